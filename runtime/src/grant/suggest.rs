//! The smallest grant that would let a driver load, as TOML ready to paste.

use super::GrantKind;
use super::settings::{Schema, SettingType, one_line};

/// The lines that grant one `kind` of thing.
pub fn lines_for(kind: GrantKind) -> &'static str {
    match kind {
        GrantKind::Directory => {
            "[[directory]]\nname = \"/data\"              # what the driver calls it\nhost = \"./cofferdam-data\"   # where it is, relative to this file\naccess = \"read-write\"       # or \"read-only\"\n"
        }
        GrantKind::Connection => {
            "[[connection]]\nname = \"backend\"                 # what the driver calls it\naddress = \"backend.example.com:1\" # the server; beside it: tls, auth, and addresses for what is not public\n"
        }
        GrantKind::Http => {
            "[[http]]\nallow = \"https://storage.example.com\"   # the server: scheme, host and port; methods, path and addresses narrow or widen it\n# sign = { scheme = \"aws-sigv4\", region = \"us-east-1\", credentials = \"environment\" }\n"
        }
    }
}

/// A grant with what `kinds` need and the settings that `schema` requires, as far as the driver has told its schema.
pub fn minimal(kinds: &[GrantKind], schema: Option<&str>) -> String {
    let mut kinds = kinds.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let mut blocks: Vec<String> = settings(schema).into_iter().collect();
    blocks.extend(kinds.into_iter().map(|kind| lines_for(kind).to_owned()));
    if blocks.is_empty() { "# this driver needs no grant: an empty file will do\n".to_owned() } else { blocks.join("\n") }
}

fn settings(schema: Option<&str>) -> Option<String> {
    let schema = match Schema::parse(schema?) {
        Ok(schema) => schema,
        Err(error) => return Some(format!("# {}\n", one_line(&error.to_string()))),
    };
    let mut lines = String::new();
    for (name, setting) in schema.settings.iter().filter(|(_, setting)| setting.required && setting.default.is_none()) {
        let value = match setting.kind {
            SettingType::String => "\"\"",
            SettingType::Integer => "0",
            SettingType::Boolean => "false",
        };
        let secret = if setting.secret { "secret" } else { "" };
        let about: Vec<_> = [secret, &one_line(&setting.description)].into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let comment = if about.is_empty() { String::new() } else { format!("   # {}", about.join(": ")) };
        lines.push_str(&format!("{} = {value}{comment}\n", key(name)));
    }
    (!lines.is_empty()).then(|| format!("[settings]\n{lines}"))
}

/// `name` as a TOML key: bare where that is possible.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { name.to_owned() } else { serde_json::Value::from(name).to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::super::Grant;
    use super::*;

    fn parsed(text: &str) -> Grant {
        Grant::parse(text, Path::new("/etc/grant.toml")).unwrap()
    }

    #[test]
    fn a_suggestion_is_a_grant_that_parses() {
        let schema = r#"{ "required": ["root", "odd name", "token", "depth"], "properties": {
            "root": { "type": "string", "description": "where\nit stores" }, "odd name": { "type": "boolean" },
            "token": { "type": "string", "writeOnly": true }, "depth": { "type": "integer", "default": 2 } } }"#;
        let text = minimal(&[GrantKind::Directory, GrantKind::Http, GrantKind::Directory], Some(schema));
        let grant = parsed(&text);
        assert_eq!(grant.directories.len(), 1);
        assert_eq!(grant.directories[0].host, Path::new("/etc/./cofferdam-data").components().collect::<std::path::PathBuf>());
        assert_eq!(grant.settings.keys().collect::<Vec<_>>(), ["odd name", "root", "token"]);
        assert!(text.contains("root = \"\"   # where it stores\n") && text.contains("token = \"\"   # secret\n"), "{text}");
    }

    #[test]
    fn a_driver_that_needs_nothing_is_told_so() {
        assert_eq!(minimal(&[], Some("{}")), "# this driver needs no grant: an empty file will do\n");
        assert_eq!(parsed(&minimal(&[], None)), Grant::default());
    }

    #[test]
    fn a_bad_schema_is_said_in_a_comment() {
        assert!(minimal(&[], Some("[")).starts_with("# the driver's settings schema is wrong: "));
        assert_eq!(parsed(&minimal(&[], Some("["))), Grant::default());
    }
}
