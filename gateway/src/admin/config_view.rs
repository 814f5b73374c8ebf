//! The configuration as operators may see it: with the defaults filled in, and without secrets.

use serde::Serialize;
use serde_json::Value;

use crate::masked_url::{MASK, masked};

/// What the names of options that hold a secret end with. Certificates and keys are in files, and the configuration has only their names.
const SECRETS: [&str; 4] = ["password", "passphrase", "secret", "token"];

/// The configuration with every secret masked.
pub(super) fn view(config: &impl Serialize) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(config)?;
    mask(&mut value);
    Ok(value)
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(options) => {
            for (name, value) in options {
                if SECRETS.iter().any(|secret| name.ends_with(secret))
                    && value.as_str().is_some_and(|text| !text.is_empty())
                {
                    *value = MASK.into();
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::String(text) => *text = masked(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::GatewayConfig;

    #[test]
    fn secrets_are_masked_wherever_they_are() {
        let mut value = json!({
            "listen": "127.0.0.1:8080",
            "redis_password": "hunter2",
            "token": "",
            "routes": [{"endpoints": ["https://ann:secret@shop.example:9000/x", "http://127.0.0.1:9000"]}],
            "jwks": "https://keys.example/jwks.json?key=abc",
        });
        mask(&mut value);
        let expected = json!({
            "listen": "127.0.0.1:8080",
            "redis_password": "***",
            "token": "",
            "routes": [{"endpoints": ["https://***@shop.example:9000/x", "http://127.0.0.1:9000"]}],
            "jwks": "https://keys.example/jwks.json?***",
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn the_whole_configuration_is_shown() {
        let value = view(&GatewayConfig::default()).unwrap();
        assert_eq!(value["messages"]["max_request_bytes"], 4_194_304);
        assert_eq!(value["rate_limits"]["calls_per_minute"], 0);
    }
}
