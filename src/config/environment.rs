use std::collections::BTreeMap;
use std::fmt;

/// The variables of the process, read once at the start and passed as an argument from there on.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the variables of this process; one that is not UTF-8 is left out.
    pub fn from_process() -> Self {
        let pairs = std::env::vars_os();
        Self::from_pairs(
            pairs.filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok())),
        )
    }

    /// Builds an environment from pairs of name and value; of two with one name the later counts.
    pub fn from_pairs<Name, Value>(pairs: impl IntoIterator<Item = (Name, Value)>) -> Self
    where
        Name: Into<String>,
        Value: Into<String>,
    {
        let pairs = pairs.into_iter();
        Self {
            variables: pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }

    /// Returns the value of a variable; one that is unset or blank is `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.trim().is_empty()).then_some(value.as_str())
    }

    /// Tells whether a variable is set at all, be it blank.
    pub fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Goes through all variables that are not blank, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.variables.iter();
        variables
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Shows the names alone: values may be credentials.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.variables.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    #[test]
    fn a_blank_variable_counts_as_unset() {
        let environment = Environment::from_pairs([("A", "1"), ("B", " \t"), ("C", "")]);
        assert_eq!(environment.get("A"), Some("1"));
        assert_eq!(environment.get("B"), None);
        assert_eq!(environment.get("C"), None);
        assert_eq!(environment.get("D"), None);
        assert_eq!(environment.iter().collect::<Vec<_>>(), [("A", "1")]);
    }

    #[test]
    fn debug_shows_names_and_hides_values() {
        let environment = Environment::from_pairs([("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")]);
        assert_eq!(format!("{environment:?}"), r#"{"AWS_SECRET_ACCESS_KEY"}"#);
    }
}
