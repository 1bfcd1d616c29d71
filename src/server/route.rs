//! Which path is which.

use http::Method;

use crate::error::Error;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `GET /health`: the process is up.
    Health,
    /// `GET /ready`: credentials resolve and the gateway is not draining.
    Ready,
    /// `GET /metrics`
    Metrics,
}

impl Route {
    /// The route of a request. Paths are also known without `/v1` and below `/api/v1`, because users of other
    /// gateways have those in their settings.
    ///
    /// # Errors
    /// For an unknown path, and for a method that the path does not take.
    pub(super) fn parse(method: &Method, path: &str) -> Result<Self, Error> {
        let known = ["/api/v1", "/v1"]
            .iter()
            .find_map(|prefix| path.strip_prefix(prefix))
            .unwrap_or(path);
        let route = match (known, path) {
            ("/chat/completions", _) => Self::ChatCompletions,
            (_, "/health") => Self::Health,
            (_, "/ready") => Self::Ready,
            (_, "/metrics") => Self::Metrics,
            _ => {
                return Err(Error::NotFound {
                    request: format!("{method} {path}"),
                });
            }
        };
        let allowed = match route {
            Self::ChatCompletions => *method == Method::POST,
            _ => *method == Method::GET || *method == Method::HEAD,
        };
        if allowed {
            Ok(route)
        } else {
            Err(Error::MethodNotAllowed {
                allow: route.allow(),
            })
        }
    }

    fn allow(self) -> &'static str {
        match self {
            Self::ChatCompletions => "POST",
            _ => "GET, HEAD",
        }
    }

    /// The route's name in logs and metrics; never the path that a client made up.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Health => "/health",
            Self::Ready => "/ready",
            Self::Metrics => "/metrics",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_route_with_and_without_a_version() {
        for path in [
            "/v1/chat/completions",
            "/chat/completions",
            "/api/v1/chat/completions",
        ] {
            assert_eq!(
                Route::parse(&Method::POST, path),
                Ok(Route::ChatCompletions)
            );
        }
        assert_eq!(Route::parse(&Method::HEAD, "/health"), Ok(Route::Health));
        for path in [
            "/",
            "/v1",
            "/v1/health",
            "/v1/v1/chat/completions",
            "/v1/chat/completions/",
            "/V1/chat/completions",
        ] {
            assert!(
                matches!(
                    Route::parse(&Method::POST, path),
                    Err(Error::NotFound { .. })
                ),
                "{path}"
            );
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let refused = Route::parse(&Method::GET, "/v1/chat/completions");
        assert_eq!(refused, Err(Error::MethodNotAllowed { allow: "POST" }));
        let refused = Route::parse(&Method::POST, "/metrics");
        assert_eq!(refused, Err(Error::MethodNotAllowed { allow: "GET, HEAD" }));
    }
}
