//! Which path is which, of those that operators use.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::error::Error;

/// What can be asked for. Names are ids or names of keys, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `GET /admin/keys`
    List,
    /// `POST /admin/keys`
    Create,
    /// `GET /admin/keys/{key}`
    Key(String),
    /// `PATCH /admin/keys/{key}`
    Update(String),
    /// `POST /admin/keys/{key}/rotate`
    Rotate(String),
    /// `POST /admin/keys/{key}/revoke`
    Revoke(String),
    /// `GET /admin/usage`
    Usage,
}

impl Route {
    /// The route of a request.
    ///
    /// # Errors
    /// For an unknown path, and for a method that the path does not take.
    pub(super) fn parse(method: &Method, path: &str) -> Result<Self, Error> {
        let not_found = || Error::NotFound {
            request: format!("{method} {path}"),
        };
        let decoded = |name: &str| {
            let name = percent_decode_str(name).decode_utf8();
            name.ok().filter(|name| !name.is_empty()).map(Into::into)
        };
        let parts: Vec<&str> = path.split('/').collect();
        let (get, post, update) = (
            *method == Method::GET || *method == Method::HEAD,
            *method == Method::POST,
            *method == Method::PATCH,
        );
        let (route, allow) = match parts.as_slice() {
            ["", "admin", "keys"] => {
                let create = post.then_some(Self::Create);
                (get.then_some(Self::List).or(create), "GET, HEAD, POST")
            }
            ["", "admin", "usage"] => (get.then_some(Self::Usage), "GET, HEAD"),
            ["", "admin", "keys", name] => {
                let name: String = decoded(name).ok_or_else(not_found)?;
                let update = update.then(|| Self::Update(name.clone()));
                (
                    update.or_else(|| get.then_some(Self::Key(name))),
                    "GET, HEAD, PATCH",
                )
            }
            ["", "admin", "keys", name, action @ ("rotate" | "revoke")] => {
                let name = decoded(name).ok_or_else(not_found)?;
                let route = if *action == "rotate" {
                    Self::Rotate(name)
                } else {
                    Self::Revoke(name)
                };
                (post.then_some(route), "POST")
            }
            _ => return Err(not_found()),
        };
        route.ok_or(Error::MethodNotAllowed { allow })
    }

    /// The route's name in logs; never a path that a client made up.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::List => "GET /admin/keys",
            Self::Create => "POST /admin/keys",
            Self::Key(_) => "GET /admin/keys/{key}",
            Self::Update(_) => "PATCH /admin/keys/{key}",
            Self::Rotate(_) => "POST /admin/keys/{key}/rotate",
            Self::Revoke(_) => "POST /admin/keys/{key}/revoke",
            Self::Usage => "GET /admin/usage",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_route() {
        let name = || "my key/1".to_owned();
        for (method, path, route) in [
            (Method::GET, "/admin/keys", Route::List),
            (Method::HEAD, "/admin/keys", Route::List),
            (Method::POST, "/admin/keys", Route::Create),
            (Method::GET, "/admin/keys/my%20key%2F1", Route::Key(name())),
            (
                Method::PATCH,
                "/admin/keys/my%20key%2f1",
                Route::Update(name()),
            ),
            (
                Method::POST,
                "/admin/keys/my%20key%2F1/rotate",
                Route::Rotate(name()),
            ),
            (
                Method::POST,
                "/admin/keys/my%20key%2F1/revoke",
                Route::Revoke(name()),
            ),
            (Method::GET, "/admin/usage", Route::Usage),
        ] {
            assert_eq!(Route::parse(&method, path), Ok(route), "{method} {path}");
        }
    }

    #[test]
    fn other_paths_are_not_found_and_other_methods_not_allowed() {
        for path in [
            "/",
            "/admin",
            "/admin/",
            "/admin/keys/",
            "/keys",
            "/v1/models",
            "/admin/keys/a/b",
            "/admin/keys//rotate",
            "/admin/keys/%ff",
            "/admin/keys/a/rotate/",
            "//admin/keys",
        ] {
            let route = Route::parse(&Method::GET, path);
            assert!(
                matches!(route, Err(Error::NotFound { .. })),
                "{path}: {route:?}"
            );
        }
        for (method, path) in [
            (Method::DELETE, "/admin/keys"),
            (Method::POST, "/admin/keys/a"),
            (Method::DELETE, "/admin/keys/a"),
            (Method::GET, "/admin/keys/a/rotate"),
            (Method::POST, "/admin/usage"),
        ] {
            let route = Route::parse(&method, path);
            assert!(
                matches!(route, Err(Error::MethodNotAllowed { .. })),
                "{path}: {route:?}"
            );
        }
    }
}
