//! The languages that drivers are written in.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A language that drivers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust.
    Rust,
    /// C, and C++.
    C,
    /// Go.
    Go,
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
    /// TypeScript.
    TypeScript,
}

/// What runs JavaScript inside a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Small, and starts in no time.
    #[default]
    QuickJs,
    /// Larger, faster where there is much to compute.
    StarlingMonkey,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Rust, Self::C, Self::Go, Self::Python, Self::JavaScript, Self::TypeScript];

    /// As it is written in `cofferdam.toml` and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Go => "go",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
        }
    }

    /// The folder of its SDK among what is carried.
    pub(crate) fn sdk(self) -> &'static str {
        match self {
            Self::Rust => "guest-sdk/rust/",
            Self::C => "guest-sdk/c/",
            Self::Go => "guest-sdk/go/",
            Self::Python => "guest-sdk/python/",
            // One package serves both: its types are for both, too.
            Self::JavaScript | Self::TypeScript => "guest-sdk/javascript/",
        }
    }

    /// The folder of its template among what is carried.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Self::Rust => "guest-sdk/rust/template/",
            Self::C => "guest-sdk/c/template/",
            Self::Go => "guest-sdk/go/template/",
            Self::Python => "guest-sdk/python/template/",
            Self::JavaScript => "guest-sdk/javascript/template/",
            Self::TypeScript => "guest-sdk/typescript/template/",
        }
    }
}

impl Engine {
    /// As it is written in `cofferdam.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::QuickJs => "quickjs",
            Self::StarlingMonkey => "starlingmonkey",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|language| language.name() == text).ok_or_else(|| format!("write one of {}", known()))
    }
}
