use std::fmt;

/// A string that no log, error or debug output shows.
///
/// It has no `==`: a comparison that stops at the first difference tells a caller how far it got.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the value itself, for the one place that compares or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hidden")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_shown_by_expose_alone() {
        let secret = Secret::new("sk-outcrop-1");
        assert_eq!(secret.expose(), "sk-outcrop-1");
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
        assert_eq!(format!("{secret}"), "hidden");
    }
}
