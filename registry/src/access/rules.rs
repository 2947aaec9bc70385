//! Which caller may do what to which repository: the first rule that fits decides.

use super::{Action, Pattern};

/// A caller that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody: `*`.
    Everybody,
    /// Whoever gave no name: `anonymous`.
    Anonymous,
    /// Whoever gave a name: `users`.
    Identified,
    /// The user of this name.
    User(String),
}

impl Who {
    /// As rules write it.
    pub fn parse(text: &str) -> Self {
        match text {
            "*" => Self::Everybody,
            "anonymous" => Self::Anonymous,
            "users" => Self::Identified,
            name => Self::User(name.to_owned()),
        }
    }

    fn is(&self, name: Option<&str>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Anonymous => name.is_none(),
            Self::Identified => name.is_some(),
            Self::User(user) => name == Some(user),
        }
    }
}

/// What a rule allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    pull: bool,
    push: bool,
    delete: bool,
}

impl Rights {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, action: Action) -> Self {
        match action {
            Action::Pull => self.pull = true,
            Action::Push => self.push = true,
            Action::Delete => self.delete = true,
        }
        self
    }

    /// Whether `action` is among them.
    pub fn has(self, action: Action) -> bool {
        match action {
            Action::Pull => self.pull,
            Action::Push => self.push,
            Action::Delete => self.delete,
        }
    }
}

/// What some callers may do to some repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which repositories.
    pub repositories: Vec<Pattern>,
    /// Which callers.
    pub users: Vec<Who>,
    /// What they may do; what is not here they may not, whatever a later rule says.
    pub allow: Rights,
}

/// All rules.
pub(super) struct Rules {
    rules: Vec<Rule>,
    catalog: Option<Vec<Who>>,
    open: bool,
}

impl Rules {
    /// `open`: nobody is asked for a name.
    pub(super) fn new(rules: Vec<Rule>, catalog: Option<Vec<Who>>, open: bool) -> Self {
        Self { rules, catalog, open }
    }

    pub(super) fn allow(&self, name: Option<&str>, repository: &str, action: Action) -> bool {
        if self.rules.is_empty() {
            return self.open || name.is_some();
        }
        let fits = |rule: &&Rule| rule.users.iter().any(|who| who.is(name)) && rule.repositories.iter().any(|pattern| pattern.fits(repository));
        self.rules.iter().find(fits).is_some_and(|rule| rule.allow.has(action))
    }

    pub(super) fn allow_catalog(&self, name: Option<&str>) -> bool {
        match &self.catalog {
            Some(who) => who.iter().any(|who| who.is(name)),
            None => self.rules.is_empty() && (self.open || name.is_some()),
        }
    }
}
