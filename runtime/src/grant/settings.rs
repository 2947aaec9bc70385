//! The driver's settings, checked against the JSON schema that it describes itself with.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::nearest::hint;
use super::{Grant, GrantError, SettingValue, brokered};

/// The type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SettingType {
    /// Text.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// True or false.
    Boolean,
}

impl SettingType {
    /// The type in words: `an integer`.
    fn in_words(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Integer => "an integer",
            Self::Boolean => "a boolean",
        }
    }
}

/// One setting that a driver has. `Debug` of a secret's default shows its type only.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its type.
    pub kind: SettingType,
    /// What the driver says about it.
    pub description: String,
    /// What it is where nobody sets it.
    pub default: Option<SettingValue>,
    /// Whether a mount must set it.
    pub required: bool,
    /// Whether it is a secret (`writeOnly`).
    pub secret: bool,
}

/// The settings that a driver has, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// By name.
    pub settings: BTreeMap<String, Setting>,
}

#[derive(Deserialize)]
struct RawSchema {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, RawSetting>,
    #[serde(default)]
    required: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSetting {
    #[serde(rename = "type")]
    kind: SettingType,
    #[serde(default)]
    description: String,
    default: Option<Value>,
    #[serde(default)]
    write_only: bool,
}

fn bad(problem: impl Into<String>) -> GrantError {
    GrantError::BadSchema { problem: problem.into() }
}

impl Schema {
    /// Reads a driver's schema. An empty text is the schema of a driver without settings.
    ///
    /// # Errors
    /// [`GrantError::BadSchema`] for anything but an object of `string`, `integer` and `boolean` properties.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        if text.trim().is_empty() {
            return Ok(Self { settings: BTreeMap::new() });
        }
        let raw: RawSchema = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
        if let Some(kind) = raw.kind.filter(|kind| kind != "object") {
            return Err(bad(format!("its `type` is {kind:?}, not \"object\"")));
        }
        if let Some(name) = raw.required.iter().find(|name| !raw.properties.contains_key(*name)) {
            return Err(bad(format!("it requires `{name}`, which is none of its properties")));
        }
        let setting = |(name, raw_setting): (String, RawSetting)| {
            let required = raw.required.contains(&name);
            let default = raw_setting.default.map(|value| default(&name, raw_setting.kind, &value)).transpose()?;
            let RawSetting { kind, description, write_only, .. } = raw_setting;
            Ok((name, Setting { kind, description, default, required, secret: write_only }))
        };
        Ok(Self { settings: raw.properties.into_iter().map(setting).collect::<Result<_, GrantError>>()? })
    }

    /// Checks `given` and fills in defaults: one pair a setting that has a value, sorted by name, as `configure` takes them.
    ///
    /// # Errors
    /// The first setting that is unknown, of another type, or missing. No error shows a value.
    pub fn check(&self, given: &BTreeMap<String, SettingValue>) -> Result<Vec<(String, String)>, GrantError> {
        if let Some(name) = given.keys().find(|name| !self.settings.contains_key(*name)) {
            let known = self.settings.keys().map(String::as_str);
            return Err(GrantError::UnknownSetting { name: name.clone(), hint: hint(name, known, "settings") });
        }
        let mut pairs = Vec::new();
        for (name, setting) in &self.settings {
            match given.get(name).or(setting.default.as_ref()) {
                Some(value) => pairs.push((name.clone(), text_of(name, setting.kind, value)?)),
                None if setting.required => {
                    return Err(GrantError::MissingSetting { name: name.clone(), description: one_line(&setting.description) });
                }
                None => {}
            }
        }
        Ok(pairs)
    }
}

/// [`Schema::parse`] and [`Schema::check`] in one.
///
/// # Errors
/// As both.
pub fn check(schema: &str, given: &BTreeMap<String, SettingValue>) -> Result<Vec<(String, String)>, GrantError> {
    Schema::parse(schema)?.check(given)
}

/// The settings of `grant`, as `configure` takes them, held against the driver's `schema`.
///
/// # Errors
/// As [`Schema::parse`] and [`Schema::check`]; and a secret among them where the host authenticates for the driver.
pub fn check_grant(schema: &str, grant: &Grant) -> Result<Vec<(String, String)>, GrantError> {
    let schema = Schema::parse(schema)?;
    brokered::refuse(&schema, grant)?;
    schema.check(&grant.settings)
}

/// `text` without line breaks, for messages and comments.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn default(name: &str, kind: SettingType, value: &Value) -> Result<SettingValue, GrantError> {
    match (kind, value) {
        (SettingType::String, Value::String(text)) => Some(SettingValue::Text(text.clone())),
        (SettingType::Integer, Value::Number(number)) => number.as_i64().map(SettingValue::Integer),
        (SettingType::Boolean, Value::Bool(truth)) => Some(SettingValue::Boolean(*truth)),
        _ => None,
    }
    .ok_or_else(|| bad(format!("the default of `{name}` is not {}", kind.in_words())))
}

fn text_of(name: &str, kind: SettingType, value: &SettingValue) -> Result<String, GrantError> {
    match (kind, value) {
        (SettingType::String, SettingValue::Text(text) | SettingValue::Untyped(text)) => Some(text.clone()),
        (SettingType::Integer, SettingValue::Integer(number)) => Some(number.to_string()),
        (SettingType::Integer, SettingValue::Untyped(text)) => text.parse::<i64>().ok().map(|number| number.to_string()),
        (SettingType::Boolean, SettingValue::Boolean(truth)) => Some(truth.to_string()),
        (SettingType::Boolean, SettingValue::Untyped(text)) => text.parse::<bool>().ok().map(|truth| truth.to_string()),
        _ => None,
    }
    .ok_or_else(|| {
        // Untyped text is what it looks like: saying "untyped text" would help nobody.
        let found = if matches!(value, SettingValue::Untyped(_)) { "other text" } else { value.type_name() };
        GrantError::SettingType { name: name.to_owned(), expected: kind.in_words(), found }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{ "type": "object", "required": ["root", "password"], "properties": {
        "root": { "type": "string", "description": "where\n  it stores" },
        "password": { "type": "string", "writeOnly": true },
        "shards": { "type": "integer", "default": 16 },
        "sync": { "type": "boolean", "default": true },
        "note": { "type": "string" } } }"#;

    fn given(pairs: &[(&str, SettingValue)]) -> BTreeMap<String, SettingValue> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn text(value: &str) -> SettingValue {
        SettingValue::Text(value.to_owned())
    }

    fn untyped(value: &str) -> SettingValue {
        SettingValue::Untyped(value.to_owned())
    }

    fn refusal(pairs: &[(&str, SettingValue)]) -> String {
        check(SCHEMA, &given(pairs)).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_filled_in_and_pairs_sorted() {
        let pairs = check(SCHEMA, &given(&[("root", text("/data")), ("password", text("hunter2"))])).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("password", "hunter2"), ("root", "/data"), ("shards", "16"), ("sync", "true")]);
    }

    #[test]
    fn untyped_text_takes_the_type_of_the_schema() {
        let all = [("root", untyped("7")), ("password", untyped("true")), ("shards", untyped("+3")), ("sync", untyped("false"))];
        let pairs = check(SCHEMA, &given(&all)).unwrap();
        let values: Vec<_> = pairs.iter().map(|(_, v)| v.as_str()).collect();
        assert_eq!(values, ["true", "7", "3", "false"]);
        assert_eq!(
            refusal(&[("shards", untyped("many")), ("password", text("")), ("root", text(""))]),
            "the setting `shards` must be an integer, not other text"
        );
    }

    #[test]
    fn refusals_name_the_setting_and_never_its_value() {
        assert_eq!(refusal(&[("rooot", text("/data"))]), "unknown setting `rooot`; did you mean `root`?");
        assert_eq!(
            refusal(&[("bandwidth", text("s3cret"))]),
            "unknown setting `bandwidth`; known settings: `note`, `password`, `root`, `shards`, `sync`"
        );
        assert_eq!(refusal(&[("password", SettingValue::Integer(424_242))]), "the setting `password` must be text, not an integer");
        assert_eq!(
            refusal(&[("password", text("s3cret"))]),
            "the driver needs the setting `root` (where it stores); add it under [settings] in the grant"
        );
        assert!(!format!("{:?}", given(&[("password", text("s3cret"))])).contains("s3cret"));
    }

    #[test]
    fn a_bad_schema_is_the_drivers_fault() {
        let wrong = [
            "[]",
            "{",
            r#"{"type": "array"}"#,
            r#"{"required": ["a"]}"#,
            r#"{"properties": {"a": {"type": "number"}}}"#,
            r#"{"properties": {"a": {}}}"#,
            r#"{"properties": {"a": {"type": "integer", "default": "1"}}}"#,
            r#"{"properties": {"a": {"type": "integer", "default": 9223372036854775808}}}"#,
        ];
        for schema in wrong {
            assert!(matches!(check(schema, &BTreeMap::new()), Err(GrantError::BadSchema { .. })), "{schema}");
        }
        assert_eq!(
            Schema::parse(r#"{"required": ["a"]}"#).unwrap_err().to_string(),
            "the driver's settings schema is wrong: it requires `a`, which is none of its properties; that is a fault of the driver, not of the grant"
        );
    }

    #[test]
    fn no_schema_means_no_settings() {
        assert_eq!(check(" ", &BTreeMap::new()).unwrap(), []);
        assert_eq!(check("", &given(&[("a", text("b"))])).unwrap_err().to_string(), "unknown setting `a`; there are no settings");
    }
}
