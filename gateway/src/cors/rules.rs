//! Which origins may call, read from the configuration.

use http::{HeaderName, HeaderValue, Uri};

use crate::config::CorsConfig;
use crate::config_errors::ConfigMistake;

const ANY: &str = "*";

/// The configuration of CORS, checked, in the form in which it is sent.
#[derive(Debug)]
pub(crate) struct CorsRules {
    origins: Origins,
    allowed_headers: HeaderValue,
    max_age_seconds: HeaderValue,
}

#[derive(Debug)]
enum Origins {
    Any,
    These(Vec<HeaderValue>),
}

impl CorsRules {
    pub(crate) fn read(config: &CorsConfig) -> Result<Self, Vec<ConfigMistake>> {
        let mut mistakes = Vec::new();
        let origins = match config.allowed_origins.as_slice() {
            [any] if any == ANY => Origins::Any,
            listed => Origins::These(
                listed
                    .iter()
                    .filter_map(|origin| read_origin(origin).map_err(|mistake| mistakes.push(mistake)).ok())
                    .collect(),
            ),
        };
        for name in &config.allowed_headers {
            if HeaderName::try_from(name).is_err() {
                mistakes.push(ConfigMistake::new("cors.allowed_headers", format!("{name:?} is no header name")));
            }
        }
        let allowed_headers = HeaderValue::try_from(config.allowed_headers.join(", ").to_ascii_lowercase());
        match allowed_headers {
            Ok(allowed_headers) if mistakes.is_empty() => {
                Ok(Self { origins, allowed_headers, max_age_seconds: config.max_age_seconds.into() })
            }
            _ => Err(mistakes),
        }
    }

    /// The value of `access-control-allow-origin` for a page of this origin, if it may call.
    pub(crate) fn allow(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match &self.origins {
            Origins::Any => Some(HeaderValue::from_static(ANY)),
            Origins::These(allowed) => allowed.iter().find(|allowed| *allowed == origin).cloned(),
        }
    }

    pub(crate) fn allowed_headers(&self) -> HeaderValue {
        self.allowed_headers.clone()
    }

    pub(crate) fn max_age_seconds(&self) -> HeaderValue {
        self.max_age_seconds.clone()
    }
}

/// An origin exactly as browsers write it, because it is compared byte by byte.
fn read_origin(origin: &str) -> Result<HeaderValue, ConfigMistake> {
    let refuse = |problem: &str| ConfigMistake::new("cors.allowed_origins", format!("{origin:?} {problem}"));
    if origin == ANY {
        return Err(refuse("must stand alone"));
    }
    let uri: Uri = origin.parse().map_err(|_| refuse("is no origin"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refuse("must be a scheme, a host and, where it is not the usual one, a port"));
    };
    if format!("{scheme}://{authority}") != origin || origin.to_ascii_lowercase() != origin {
        return Err(refuse("must be in lower case and end after the host or port"));
    }
    HeaderValue::try_from(origin).map_err(|_| refuse("is no origin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origins: &[&str]) -> Result<CorsRules, Vec<ConfigMistake>> {
        CorsRules::read(&CorsConfig {
            allowed_origins: origins.iter().map(ToString::to_string).collect(),
            allowed_headers: vec!["Authorization".into(), "x-grpc-web".into()],
            max_age_seconds: 60,
        })
    }

    #[test]
    fn origins_are_compared_exactly() {
        let rules = rules(&["https://shop.example", "http://localhost:5173"]).unwrap();
        let allowed = |origin: &'static str| rules.allow(&HeaderValue::from_static(origin)).is_some();
        assert!(allowed("https://shop.example"));
        assert!(allowed("http://localhost:5173"));
        for other in ["http://shop.example", "https://shop.example:8443", "https://shop.example.evil", "null", ""] {
            assert!(!allowed(other), "{other}");
        }
        assert_eq!(rules.allowed_headers(), "authorization, x-grpc-web");
    }

    #[test]
    fn any_origin_is_answered_with_a_star() {
        let rules = rules(&["*"]).unwrap();
        assert_eq!(rules.allow(&HeaderValue::from_static("http://anywhere")).unwrap(), "*");
    }

    #[test]
    fn origins_that_no_browser_sends_are_mistakes() {
        for wrong in ["shop.example", "https://shop.example/", "https://Shop.example", "https://a b", "", "null"] {
            assert_eq!(rules(&[wrong]).unwrap_err().len(), 1, "{wrong}");
        }
        assert_eq!(rules(&["*", "https://shop.example"]).unwrap_err().len(), 1);
    }
}
