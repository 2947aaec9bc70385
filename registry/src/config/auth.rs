//! The tables of `cofferdam.toml` that say who may do what: `[auth]` and `[[rule]]`.

use std::time::Duration;

use cofferdam::grant::GrantError;
use cofferdam::grant::fields::{Field, Fields};

use super::parse::duration;
use crate::access::{AccessOptions, Action, HtpasswdOptions, Pattern, Rights, Rule, Scheme, TokenOptions, Who};

const AUTH_KEYS: &[&str] = &["htpasswd", "token", "catalog"];
const HTPASSWD_KEYS: &[&str] = &["file", "realm"];
const TOKEN_KEYS: &[&str] = &["realm", "service", "issuer", "keys", "leeway"];
const RULE_KEYS: &[&str] = &["repositories", "users", "allow"];

const RIGHTS: [(&str, Action); 3] = [("pull", Action::Pull), ("push", Action::Push), ("delete", Action::Delete)];

/// `[auth]` and `[[rule]]`.
pub(super) fn access(top: &Fields<'_, '_>) -> Result<AccessOptions, GrantError> {
    let mut access = AccessOptions { rules: rules(top.get("rule"))?, ..AccessOptions::default() };
    let Some(field) = top.get("auth") else { return Ok(access) };
    let fields = field.table("in [auth]", AUTH_KEYS)?;
    access.scheme = match (fields.get("htpasswd"), fields.get("token")) {
        (Some(_), Some(token)) => {
            return Err(token.bad("stands beside `htpasswd`: a client is told one way to say who it is; remove one of them"));
        }
        (Some(htpasswd), None) => Scheme::Htpasswd(htpasswd_options(&htpasswd)?),
        (None, Some(token)) => Scheme::Token(token_options(&token)?),
        (None, None) => Scheme::Anonymous,
    };
    access.catalog = fields.get("catalog").map(|field| users(&field)).transpose()?;
    Ok(access)
}

fn htpasswd_options(field: &Field<'_, '_>) -> Result<HtpasswdOptions, GrantError> {
    let fields = field.table("in [auth.htpasswd]", HTPASSWD_KEYS)?;
    let realm = fields.get("realm").map_or(Ok("cofferdam"), |field| field.text())?;
    Ok(HtpasswdOptions { file: fields.require("file", "file = \"users\"")?.path()?, realm: realm.to_owned() })
}

fn token_options(field: &Field<'_, '_>) -> Result<TokenOptions, GrantError> {
    let fields = field.table("in [auth.token]", TOKEN_KEYS)?;
    let text = |key, example| fields.require(key, example)?.text().map(str::to_owned);
    let keys = fields.require("keys", "keys = [\"auth.pem\"]")?;
    let files: Vec<_> = keys.items("a list of files")?.map(|item| item.path()).collect::<Result<_, _>>()?;
    if files.is_empty() {
        return Err(keys.bad("is empty: without a key no token holds; name a file with public keys"));
    }
    Ok(TokenOptions {
        realm: text("realm", "realm = \"https://auth.example/token\", where clients get tokens")?,
        service: text("service", "service = \"registry.example\", the audience of the tokens")?,
        issuer: text("issuer", "issuer = \"auth.example\", who issues the tokens")?,
        keys: files,
        leeway: duration(&fields, "leeway", Duration::from_secs(60), Duration::ZERO)?,
    })
}

fn rules(field: Option<Field<'_, '_>>) -> Result<Vec<Rule>, GrantError> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let rule = |fields: Fields<'_, '_>| {
        let allow = fields.require("allow", "allow = [\"pull\"]")?;
        let rights = allow.items("a list of \"pull\", \"push\" and \"delete\"")?;
        Ok(Rule {
            repositories: patterns(fields.get("repositories"))?,
            users: fields.get("users").map_or_else(|| Ok(vec![Who::Everybody]), |field| users(&field))?,
            allow: rights.map(|item| item.one_of(&RIGHTS)).try_fold(Rights::default(), |rights, right| right.map(|right| rights.with(right)))?,
        })
    };
    field.tables("in [[rule]]", RULE_KEYS)?.into_iter().map(rule).collect()
}

fn users(field: &Field<'_, '_>) -> Result<Vec<Who>, GrantError> {
    let expected = "a list of names, such as [\"alice\"]; \"*\" is everybody, \"users\" whoever gave a name, \"anonymous\" whoever did not";
    field.items(expected)?.map(|item| item.text().map(Who::parse)).collect()
}

/// Patterns of repositories; all of them where none are given.
pub(super) fn patterns(field: Option<Field<'_, '_>>) -> Result<Vec<Pattern>, GrantError> {
    let pattern = |item: Field<'_, '_>| Pattern::new(item.text()?).map_err(|error| item.bad(error.to_string()));
    match field {
        Some(field) => field.items("a list of patterns, such as [\"library/*\"]")?.map(pattern).collect(),
        None => Ok(Pattern::new("**").into_iter().collect()),
    }
}
