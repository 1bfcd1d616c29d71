//! Which path is which.

use http::Method;

use crate::error::Error;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `GET /v1/models`
    Models,
    /// `GET /v1/models/{id}`, with the id as it stands in the path. It may hold slashes, encoded or not: ARNs do.
    Model(&'a str),
    /// `GET /health`: the process is up.
    Health,
    /// `GET /ready`: credentials resolve and the gateway is not draining.
    Ready,
    /// `GET /metrics`
    Metrics,
}

impl<'a> Route<'a> {
    /// The route of a request. Paths are also known without `/v1` and below `/api/v1`, because users of other
    /// gateways have those in their settings.
    ///
    /// # Errors
    /// For an unknown path, and for a method that the path does not take.
    pub(super) fn parse(method: &Method, path: &'a str) -> Result<Self, Error> {
        let known = ["/api/v1", "/v1"]
            .iter()
            .find_map(|prefix| path.strip_prefix(prefix))
            .unwrap_or(path);
        let route = match (known, path) {
            ("/chat/completions", _) => Self::ChatCompletions,
            ("/embeddings", _) => Self::Embeddings,
            ("/models", _) => Self::Models,
            (_, "/health") => Self::Health,
            (_, "/ready") => Self::Ready,
            (_, "/metrics") => Self::Metrics,
            _ => {
                let id = known.strip_prefix("/models/").unwrap_or_default();
                if id.is_empty() {
                    return Err(Error::NotFound {
                        request: format!("{method} {path}"),
                    });
                }
                Self::Model(id)
            }
        };
        let allowed = match route {
            Self::ChatCompletions | Self::Embeddings => *method == Method::POST,
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
            Self::ChatCompletions | Self::Embeddings => "POST",
            _ => "GET, HEAD",
        }
    }

    /// The route's name in logs and metrics; never the path that a client made up.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Models => "/v1/models",
            Self::Model(_) => "/v1/models/{id}",
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
        for path in ["/v1/embeddings", "/embeddings", "/api/v1/embeddings"] {
            assert_eq!(Route::parse(&Method::POST, path), Ok(Route::Embeddings));
        }
        assert_eq!(Route::parse(&Method::HEAD, "/health"), Ok(Route::Health));
        for path in [
            "/",
            "/v1",
            "/v1/health",
            "/v1/v1/chat/completions",
            "/v1/chat/completions/",
            "/V1/chat/completions",
            "/models/",
            "/v1/models/",
            "/v1/modelsx",
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
    fn a_models_id_is_the_rest_of_the_path() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12";
        for prefix in ["/v1", "", "/api/v1"] {
            assert_eq!(
                Route::parse(&Method::GET, &format!("{prefix}/models")),
                Ok(Route::Models)
            );
            for id in [arn, "us.amazon.nova-lite-v1%3A0", "a", "//", "models/"] {
                let path = format!("{prefix}/models/{id}");
                assert_eq!(
                    Route::parse(&Method::GET, &path),
                    Ok(Route::Model(id)),
                    "{path}"
                );
            }
        }
        let refused = Route::parse(&Method::DELETE, "/v1/models/ft:gpt-4o");
        assert_eq!(refused, Err(Error::MethodNotAllowed { allow: "GET, HEAD" }));
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let refused = Route::parse(&Method::GET, "/v1/chat/completions");
        assert_eq!(refused, Err(Error::MethodNotAllowed { allow: "POST" }));
        let refused = Route::parse(&Method::POST, "/metrics");
        assert_eq!(refused, Err(Error::MethodNotAllowed { allow: "GET, HEAD" }));
    }
}
