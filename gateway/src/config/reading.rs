//! Reads a configuration so that every section that cannot be read is told, and not only the first.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use super::{DEFAULT_CONFIG, GatewayConfig};
use crate::routes;

impl<'de> Deserialize<'de> for GatewayConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Table::deserialize(deserializer)?;
        let of_routes = routes::inherit(&mut table).err();
        match Self::deserialize(table.clone()) {
            Ok(config) if of_routes.is_none() => Ok(config),
            read => {
                let mut problems: Vec<_> = of_routes.into_iter().chain(problems_of_parts(&table)).collect();
                // What is wrong may be that something is missing, which no part by itself shows.
                if let (Err(error), true) = (read, problems.is_empty()) {
                    problems.push(told(&error));
                }
                Err(D::Error::custom(problems.join("\n")))
            }
        }
    }
}

/// Reads every section alone, and every route, with the defaults for everything else.
fn problems_of_parts(table: &Table) -> Vec<String> {
    let defaults: Table = DEFAULT_CONFIG.parse().unwrap_or_default();
    let problem_of = |name: &str, value: Value| {
        let mut alone = defaults.clone();
        alone.insert(name.to_owned(), value);
        GatewayConfig::deserialize(alone).err().map(|error| told(&error))
    };
    let mut problems = Vec::new();
    for (name, value) in table {
        match value {
            Value::Array(routes) if name == "routes" => {
                for (index, route) in routes.iter().enumerate() {
                    let problem = problem_of(name, Value::Array(vec![route.clone()]));
                    problems.extend(problem.map(|problem| format!("routes[{index}]: {problem}")));
                }
            }
            value => problems.extend(problem_of(name, value.clone()).map(|problem| format!("{name}: {problem}"))),
        }
    }
    problems
}

/// The problem in one line; where it is, the caller knows better.
fn told(error: &toml::de::Error) -> String {
    error.message().to_owned()
}
