//! A driver's settings, typed: [`settings!`](crate::settings!) makes the schema and the parsing from one struct.

use crate::error::Result;
use crate::types::Error;

/// The settings of a driver; made by [`settings!`](crate::settings!).
pub trait Settings: Sized {
    /// The JSON Schema that `describe` answers.
    fn schema() -> String;

    /// Reads the pairs that `configure` is given. Defaults stand for what is not there.
    ///
    /// # Errors
    /// `invalid-argument`, naming the setting: unknown, missing or not of its type.
    fn parse(pairs: Vec<(String, String)>) -> Result<Self>;
}

/// A driver without settings.
impl Settings for () {
    fn schema() -> String {
        SchemaBuilder::default().finish()
    }

    fn parse(pairs: Vec<(String, String)>) -> Result<Self> {
        Pairs::new(pairs).finish()
    }
}

/// A type that a setting may have: `String`, [`Secret`], `bool`, the integers, and an `Option` of these.
pub trait Setting: Sized {
    /// The type of its default as it is written in Rust: a literal.
    type Literal;

    /// Its JSON Schema type.
    const TYPE: &'static str;

    /// Whether its value is to be kept from logs and listings.
    const SECRET: bool = false;

    /// What stands for a setting that is not given and has no default; `None` if it must be given.
    fn absent() -> Option<Self> {
        None
    }

    /// The value of a default.
    fn from_literal(literal: Self::Literal) -> Self;

    /// Reads the text of a value, or says what it should be.
    ///
    /// # Errors
    /// What is expected, to be put behind "is not".
    fn from_text(text: String) -> std::result::Result<Self, &'static str>;

    /// The value as JSON, for a default in the schema.
    fn to_json(&self) -> String;
}

impl Setting for String {
    type Literal = &'static str;
    const TYPE: &'static str = "string";

    fn from_literal(literal: &'static str) -> Self {
        literal.to_owned()
    }

    fn from_text(text: String) -> std::result::Result<Self, &'static str> {
        Ok(text)
    }

    fn to_json(&self) -> String {
        quoted(self)
    }
}

/// A text that must not be shown: its schema says `writeOnly`, its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Setting for Secret {
    type Literal = &'static str;
    const TYPE: &'static str = "string";
    const SECRET: bool = true;

    fn from_literal(literal: &'static str) -> Self {
        Self(literal.to_owned())
    }

    fn from_text(text: String) -> std::result::Result<Self, &'static str> {
        Ok(Self(text))
    }

    fn to_json(&self) -> String {
        quoted(&self.0)
    }
}

macro_rules! parsed {
    ($($type:ty: $schema:literal, $expected:literal;)*) => {$(
        impl Setting for $type {
            type Literal = $type;
            const TYPE: &'static str = $schema;

            fn from_literal(literal: $type) -> Self {
                literal
            }

            fn from_text(text: String) -> std::result::Result<Self, &'static str> {
                text.parse().map_err(|_| $expected)
            }

            fn to_json(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
parsed! {
    bool: "boolean", "`true` or `false`";
    i64: "integer", "an integer";
    u32: "integer", "an integer from 0 to 4294967295";
    u64: "integer", "an integer from 0 to 18446744073709551615";
}

impl<T: Setting> Setting for Option<T> {
    type Literal = T::Literal;
    const TYPE: &'static str = T::TYPE;
    const SECRET: bool = T::SECRET;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn from_literal(literal: T::Literal) -> Self {
        Some(T::from_literal(literal))
    }

    fn from_text(text: String) -> std::result::Result<Self, &'static str> {
        T::from_text(text).map(Some)
    }

    fn to_json(&self) -> String {
        self.as_ref().map_or_else(|| "null".to_owned(), T::to_json)
    }
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    // A string always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

/// Collects a schema, in the order of the fields; for [`settings!`](crate::settings!).
#[doc(hidden)]
#[derive(Default)]
pub struct SchemaBuilder {
    properties: Vec<String>,
    required: Vec<String>,
}

impl SchemaBuilder {
    /// Adds the property `field`.
    pub fn add<T: Setting>(&mut self, field: &str, description: &[&str], default: Option<T>) {
        let description: Vec<_> = description.iter().map(|line| line.trim()).collect();
        let name = quoted(&name(field));
        let mut property = format!(r#"{name}:{{"type":"{}","description":{}"#, T::TYPE, quoted(&description.join(" ")));
        if T::SECRET {
            property.push_str(r#","writeOnly":true"#);
        }
        match default {
            Some(default) => {
                property.push_str(r#","default":"#);
                property.push_str(&default.to_json());
            }
            None if T::absent().is_none() => self.required.push(name),
            None => {}
        }
        property.push('}');
        self.properties.push(property);
    }

    /// The schema as text.
    pub fn finish(self) -> String {
        format!(r#"{{"type":"object","properties":{{{}}},"required":[{}]}}"#, self.properties.join(","), self.required.join(","))
    }
}

/// Hands out the pairs of `configure` by name; for [`settings!`](crate::settings!).
#[doc(hidden)]
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// All of the pairs.
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Takes the setting `field`, or its default.
    ///
    /// # Errors
    /// `invalid-argument`, naming it.
    pub fn take<T: Setting>(&mut self, field: &str, default: Option<T>) -> Result<T> {
        let name = name(field);
        let Some(at) = self.0.iter().position(|(given, _)| *given == name) else {
            return default.or_else(T::absent).ok_or_else(|| refused(&name, "must be given"));
        };
        T::from_text(self.0.swap_remove(at).1).map_err(|expected| refused(&name, &format!("is not {expected}")))
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// `invalid-argument`, naming an unknown setting.
    pub fn finish(self) -> Result<()> {
        self.0.first().map_or(Ok(()), |(name, _)| Err(refused(name, "is not known to this driver")))
    }
}

/// The name of the setting that the field `field` holds.
fn name(field: &str) -> String {
    field.replace('_', "-")
}

/// `invalid-argument` about the setting `name`: for [`Driver::configure`](crate::Driver::configure), which checks meaning.
pub fn refused(name: &str, why: &str) -> Error {
    Error::invalid_argument(format!("the setting `{name}` {why}"))
}

/// Declares the settings of a driver.
///
/// A field's documentation is the setting's description, `=` gives its default, and the setting `max-size` is the field
/// `max_size`. A field that is an `Option` may be left out, one without a default must be given.
///
/// ```
/// # use cofferdam_guest::settings;
/// # use cofferdam_guest::Settings as _;
/// settings! {
///     /// Where and how much.
///     pub struct Settings {
///         /// The directory that holds everything.
///         pub root: String = "/data",
///         /// How many bytes at most.
///         pub max_size: Option<u64>,
///     }
/// }
///
/// let settings = Settings::parse(vec![("max-size".into(), "1024".into())])?;
/// assert_eq!((settings.root.as_str(), settings.max_size), ("/data", Some(1024)));
/// assert!(Settings::parse(vec![("max-size".into(), "much".into())]).unwrap_err().message.contains("`max-size`"));
/// # Ok::<(), cofferdam_guest::Error>(())
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $struct:ident {
            $($(#[doc = $doc:literal])* $field_visibility:vis $field:ident: $type:ty $(= $default:expr)?),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $visibility struct $struct {
            $($(#[doc = $doc])* $field_visibility $field: $type,)*
        }

        impl $crate::Settings for $struct {
            fn schema() -> String {
                let mut schema = $crate::settings::SchemaBuilder::default();
                $(schema.add::<$type>(stringify!($field), &[$($doc),*], $crate::settings!(@default $type $(, $default)?));)*
                schema.finish()
            }

            fn parse(pairs: Vec<(String, String)>) -> $crate::Result<Self> {
                let mut pairs = $crate::settings::Pairs::new(pairs);
                let settings = Self {
                    $($field: pairs.take(stringify!($field), $crate::settings!(@default $type $(, $default)?))?,)*
                };
                pairs.finish()?;
                Ok(settings)
            }
        }
    };
    (@default $type:ty) => { None::<$type> };
    (@default $type:ty, $default:expr) => { Some(<$type as $crate::settings::Setting>::from_literal($default)) };
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    settings! {
        /// Some of each type.
        struct Sample {
            /// Where.
            /// In two lines.
            root: String = "/data",
            /// How many.
            max_parts: u32 = 8,
            /// Whether.
            fast: bool = false,
            /// Who.
            user: String,
            /// The key.
            key: Option<Secret>,
        }
    }

    fn parse(pairs: &[(&str, &str)]) -> Result<Sample> {
        Sample::parse(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn schema_says_all_that_the_struct_does() {
        let schema: Value = serde_json::from_str(&Sample::schema()).unwrap();
        assert_eq!(schema["required"], json!(["user"]));
        assert_eq!(schema["properties"]["root"], json!({ "type": "string", "description": "Where. In two lines.", "default": "/data" }));
        assert_eq!(schema["properties"]["max-parts"]["default"], json!(8));
        assert_eq!(schema["properties"]["key"]["writeOnly"], json!(true));
    }

    #[test]
    fn settings_are_typed_with_defaults() {
        let sample = parse(&[("user", "me"), ("max-parts", "3"), ("key", "s3cret")]).unwrap();
        assert_eq!((sample.root.as_str(), sample.max_parts, sample.fast), ("/data", 3, false));
        assert_eq!(sample.key.as_ref().map(Secret::reveal), Some("s3cret"));
        assert!(!format!("{sample:?}").contains("s3cret"));
    }

    #[test]
    fn errors_name_the_setting() {
        for (pairs, name) in [
            (&[("user", "me"), ("max-parts", "-1")][..], "`max-parts` is not an integer"),
            (&[("user", "me"), ("fast", "yes")], "`fast` is not `true` or `false`"),
            (&[("user", "me"), ("rooot", "/")], "`rooot` is not known"),
            (&[], "`user` must be given"),
        ] {
            let error = parse(pairs).unwrap_err();
            assert!(error.message.contains(name), "{}", error.message);
        }
    }
}
