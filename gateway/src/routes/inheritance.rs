//! Completes the routes of a configuration before it is read: short forms become tables, and what a route does not say is inherited.

use toml::{Table, Value};

/// The sections that a route may have of its own.
const INHERITED: [&str; 6] = ["deadlines", "messages", "upstream_tls", "rate_limits", "upstreams", "retries"];

/// Completes the routes in the table of a configuration.
///
/// # Errors
/// Every route that is neither `"PREFIX=URL[,URL…]"` nor a table, a line for each.
pub(crate) fn inherit(config: &mut Table) -> Result<(), String> {
    let Some(Value::Array(listed)) = config.remove("routes") else { return Ok(()) };
    let mut problems = Vec::new();
    let mut routes: Vec<Table> = Vec::new();
    for (index, item) in listed.into_iter().enumerate() {
        match item {
            Value::Table(route) => routes.push(route),
            Value::String(text) => read_short_form(&text, &mut routes, &mut problems),
            other => problems.push(format!("routes[{index}]: a {} is no route", other.type_str())),
        }
    }
    for route in &mut routes {
        for section in INHERITED {
            if let Some(common) = config.get(section) {
                fill_in(route.entry(section).or_insert_with(|| Value::Table(Table::new())), common);
            }
        }
    }
    config.insert("routes".to_owned(), Value::Array(routes.into_iter().map(Value::Table).collect()));
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// Reads `PREFIX=URL[,URL…]`. Where a list was cut at its commas, as it is in an environment variable, a part without a prefix is one more
/// URL of the route before it.
fn read_short_form(text: &str, routes: &mut Vec<Table>, problems: &mut Vec<String>) {
    for part in text.split(',').map(str::trim) {
        let (prefix, url) = match part.split_once('=') {
            Some((prefix, url)) if prefix.starts_with('/') => (Some(prefix), url),
            _ if part.starts_with("http") => (None, part),
            _ => {
                problems.push(format!("routes: {part:?} is not PREFIX=URL[,URL…]"));
                continue;
            }
        };
        if let Some(prefix) = prefix {
            let mut route = Table::new();
            route.insert("prefix".to_owned(), Value::String(prefix.to_owned()));
            route.insert("endpoints".to_owned(), Value::Array(Vec::new()));
            routes.push(route);
        }
        let endpoints = routes.last_mut().and_then(|route| route.get_mut("endpoints")).and_then(Value::as_array_mut);
        match endpoints {
            Some(endpoints) => endpoints.push(Value::String(url.to_owned())),
            None => problems.push(format!("routes: {text:?} is not PREFIX=URL[,URL…]")),
        }
    }
}

/// Adds to `own` what only `common` has, section by section. What is of another type is left for the reader to refuse.
fn fill_in(own: &mut Value, common: &Value) {
    let (Value::Table(own), Value::Table(common)) = (own, common) else { return };
    for (key, value) in common {
        match own.get_mut(key) {
            Some(known) => fill_in(known, value),
            None => drop(own.insert(key.clone(), value.clone())),
        }
    }
}
