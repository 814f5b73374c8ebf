//! Settings: the component's commented defaults, then a file, then the environment. All mistakes are told at once.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

/// Layers of settings, the later over the earlier. Keys and types are those of the defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    table: Table,
    mistakes: Vec<String>,
}

impl Settings {
    /// Begins with the defaults: sections by name, each a commented TOML text.
    #[must_use]
    pub fn with_defaults(sections: &[(&str, &str)]) -> Self {
        let mut settings = Self { table: Table::new(), mistakes: Vec::new() };
        for (name, text) in sections {
            match text.parse::<Table>() {
                Ok(section) => drop(settings.table.insert((*name).to_owned(), Value::Table(section))),
                Err(error) => settings.mistakes.push(format!("the defaults of {name}: {}", place_of(&error, text))),
            }
        }
        settings
    }

    /// Lays a file over them.
    pub fn overlay_file(&mut self, name: &str, text: &str) {
        match text.parse::<Table>() {
            Ok(table) => overlay(&mut self.table, table, name, &mut self.mistakes),
            Err(error) => self.mistakes.push(format!("{name}: {}", place_of(&error, text))),
        }
    }

    /// Lays a file over one section; it looks like the defaults of the section.
    pub fn overlay_section(&mut self, section: &str, name: &str, text: &str) {
        let Some(Value::Table(under)) = self.table.get_mut(section) else {
            return self.mistakes.push(format!("{name}: there is no section {section}"));
        };
        match text.parse::<Table>() {
            Ok(table) => overlay(under, table, name, &mut self.mistakes),
            Err(error) => self.mistakes.push(format!("{name}: {}", place_of(&error, text))),
        }
    }

    /// Lays variables over them: `BOJAGI_ORDER__DEADLINE_SECONDS=20` is `deadline_seconds` in the section `order`.
    pub fn overlay_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in variables {
            let Some(path) = name.strip_prefix("BOJAGI_").filter(|path| path.contains("__")) else { continue };
            let path: Vec<_> = path.split("__").map(str::to_ascii_lowercase).collect();
            self.overlay_text(&name, &path, &text);
        }
    }

    /// Lays one value over them, written as text: `["gateway", "listen"]`.
    pub fn overlay_text(&mut self, source: &str, path: &[String], text: &str) {
        let Some((last, sections)) = path.split_last() else { return };
        let mut table = &mut self.table;
        for section in sections {
            match table.get_mut(section) {
                Some(Value::Table(inner)) => table = inner,
                _ => return self.mistakes.push(format!("{source}: there is no section {}", path.join("."))),
            }
        }
        let parsed = match table.get(last) {
            None => return self.mistakes.push(format!("{source}: there is no setting {}", path.join("."))),
            Some(Value::String(_)) => Some(Value::String(text.to_owned())),
            Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
            Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
            Some(Value::Float(_)) => text.parse().ok().map(Value::Float),
            Some(Value::Array(_)) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
            }
            Some(Value::Table(_) | Value::Datetime(_)) => None,
        };
        match parsed {
            Some(value) => drop(table.insert(last.clone(), value)),
            None => self.mistakes.push(format!("{source}: {text:?} is not a value of {}", path.join("."))),
        }
    }

    /// One section as a struct, checked by `check`, which answers everything that is wrong with it.
    pub fn section<T: DeserializeOwned>(&mut self, name: &str, check: impl Fn(&T) -> Vec<String>) -> Option<T> {
        let section = self.table.get(name).cloned().unwrap_or_else(|| Value::Table(Table::new()));
        match section.try_into::<T>() {
            Ok(read) => {
                let wrong = check(&read);
                self.mistakes.extend(wrong.iter().map(|mistake| format!("{name}.{mistake}")));
                wrong.is_empty().then_some(read)
            }
            Err(error) => {
                self.mistakes.push(format!("{name}: {}", error.to_string().trim()));
                None
            }
        }
    }

    /// Ends: an error if anything was wrong in any layer.
    ///
    /// # Errors
    /// Every mistake.
    pub fn finish(self) -> Result<(), Mistakes> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(Mistakes(self.mistakes)) }
    }
}

/// What is wrong with a text, and in which line. The line itself is not repeated: it may hold a password.
fn place_of(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

fn overlay(under: &mut Table, over: Table, place: &str, mistakes: &mut Vec<String>) {
    for (key, value) in over {
        let place = format!("{place}: {key}");
        match (under.get_mut(&key), value) {
            (None, _) => mistakes.push(format!("{place}: there is no such setting")),
            (Some(Value::Table(inner)), Value::Table(table)) => overlay(inner, table, &place, mistakes),
            (Some(known), value) if known.same_type(&value) => *known = value,
            (Some(known), value) => {
                mistakes.push(format!("{place}: expected {}, found {}", known.type_str(), value.type_str()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Order {
        deadline_seconds: u64,
        name: String,
    }

    const DEFAULTS: &[(&str, &str)] = &[("order", "deadline_seconds = 30\nname = \"x\"")];

    #[test]
    fn later_layers_win() {
        let mut settings = Settings::with_defaults(DEFAULTS);
        settings.overlay_file("bojagi.toml", "[order]\ndeadline_seconds = 20\nname = \"file\"");
        settings
            .overlay_environment([("BOJAGI_ORDER__NAME".into(), "environment".into()), ("PATH".into(), "/".into())]);
        let order = settings.section::<Order>("order", |_| Vec::new());
        assert_eq!(order, Some(Order { deadline_seconds: 20, name: "environment".into() }));
        assert_eq!(settings.finish(), Ok(()));
    }

    #[test]
    fn a_file_may_be_about_one_section_alone() {
        let mut settings = Settings::with_defaults(DEFAULTS);
        settings.overlay_section("order", "order.toml", "name = \"file\"");
        let order = settings.section::<Order>("order", |_| Vec::new());
        assert_eq!(order, Some(Order { deadline_seconds: 30, name: "file".into() }));
        settings.overlay_section("order", "order.toml", "colour = 1");
        settings.overlay_section("payment", "payment.toml", "");
        assert_eq!(settings.finish().unwrap_err().0.len(), 2);
    }

    #[test]
    fn a_variable_can_empty_a_list() {
        let list = |text: &str| {
            let mut settings = Settings::with_defaults(&[("kafka", "properties = [\"a=1\"]")]);
            settings.overlay_environment([("BOJAGI_KAFKA__PROPERTIES".into(), text.into())]);
            settings.section::<HashMap<String, Vec<String>>>("kafka", |_| Vec::new()).unwrap()["properties"].clone()
        };
        assert_eq!(list(""), Vec::<String>::new());
        assert_eq!(list("b=2, c=3,"), ["b=2", "c=3"]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_without_what_it_holds() {
        let mut settings = Settings::with_defaults(DEFAULTS);
        settings.overlay_file("bojagi.toml", "[order]\nname = \"secret\\s\"");
        let mistakes = settings.finish().unwrap_err().to_string();
        assert!(mistakes.starts_with("bojagi.toml: line 2: "), "{mistakes}");
        assert!(!mistakes.contains("secret"), "{mistakes}");
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mut settings = Settings::with_defaults(DEFAULTS);
        settings.overlay_file("bojagi.toml", "[order]\ndeadline_seconds = \"soon\"\ncolour = 1");
        settings.overlay_environment([("BOJAGI_ORDER__DEADLINE_SECONDS".into(), "later".into())]);
        settings.section::<Order>("order", |_| vec!["name: is not nice".into()]);
        assert_eq!(settings.finish().unwrap_err().0.len(), 4);
    }
}
