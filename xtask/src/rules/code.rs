//! Rules about code: how long a function is, and what is not written.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Breach;
use super::source::{Source, each_run, group, is_punct, word};

/// Longer functions do more than their name says.
const LONGEST_FUNCTION: usize = 80;

/// The module with the one `unsafe` of the host: it loads code that the host itself has compiled.
const UNSAFE_MODULE: &str = "runtime/src/engine/aot.rs";

/// Where something from outside could reach an `unwrap`.
const NO_UNWRAP: [&str; 5] = ["runtime/src", "registry/src", "cli/src", "certification/src", "guest-sdk"];

/// The breaches in a file.
pub(super) fn check(source: &Source) -> Vec<Breach> {
    let mut functions = Functions { source, breaches: Vec::new() };
    functions.visit_file(&source.syntax);
    let mut breaches = functions.breaches;
    each_run(source.tokens.clone(), &mut |run| {
        for at in 0..run.len() {
            if let Some((line, rule)) = breach_at(source, &run[at..]) {
                breaches.push(Breach::new(source.file(), line, rule));
            }
        }
    });
    breaches
}

/// What is wrong with the tokens that begin here.
fn breach_at(source: &Source, tokens: &[TokenTree]) -> Option<(usize, String)> {
    let line = tokens.first()?.span().start().line;
    let tests = source.tests_line(line);
    let rule = unfinished(tokens)
        .or_else(|| attribute(source, tokens, tests))
        .or_else(|| unsafe_code(source, tokens))
        .or_else(|| if tests { sleep(tokens) } else { unwrap(source, tokens) })?;
    Some((line, rule))
}

/// `todo!` and its like.
fn unfinished(tokens: &[TokenTree]) -> Option<String> {
    let name = word(tokens.first())?;
    let is_macro = is_punct(tokens.get(1), '!') && matches!(tokens.get(2), Some(TokenTree::Group(_)));
    (is_macro && ["todo", "unimplemented", "dbg"].contains(&name.as_str())).then(|| format!("`{name}!` is not for finished code"))
}

/// `#[ignore]`, and outside tests and generated bindings `#[allow(…)]`.
fn attribute(source: &Source, tokens: &[TokenTree], tests: bool) -> Option<String> {
    if !is_punct(tokens.first(), '#') {
        return None;
    }
    let at = if is_punct(tokens.get(1), '!') { 2 } else { 1 };
    let inside: Vec<_> = group(tokens.get(at), Delimiter::Bracket)?.stream().into_iter().collect();
    if word(inside.first())? == "ignore" && inside.len() == 1 {
        return Some("`#[ignore]`: a test that does not run tests nothing; say what runs it, `#[ignore = \"…\"]`".to_owned());
    }
    let exempt = tests || is_bindings(source) || precedes_bindings(&tokens[at + 1..]) || source.file() == UNSAFE_MODULE;
    (!exempt && silences(inside.into_iter().collect())).then(|| "a lint is silenced outside tests: do what it asks".to_owned())
}

/// Whether an attribute belongs to `mod bindings { … }`, with generated code inside.
fn precedes_bindings(tokens: &[TokenTree]) -> bool {
    word(tokens.first()).is_some_and(|word| word == "mod") && word(tokens.get(1)).is_some_and(|word| word == "bindings")
}

/// `allow(…)` or `expect(…)`, alone or in a `cfg_attr`.
fn silences(attribute: TokenStream) -> bool {
    let mut silences = false;
    each_run(attribute, &mut |run| {
        silences |= run.windows(2).any(|pair| {
            let name = word(pair.first());
            name.is_some_and(|name| name == "allow" || name == "expect") && group(pair.get(1), Delimiter::Parenthesis).is_some()
        });
    });
    silences
}

fn unsafe_code(source: &Source, tokens: &[TokenTree]) -> Option<String> {
    let allowed = source.file() == UNSAFE_MODULE || is_bindings(source);
    (word(tokens.first())? == "unsafe" && !allowed).then(|| format!("`unsafe` is for {UNSAFE_MODULE} only"))
}

fn sleep(tokens: &[TokenTree]) -> Option<String> {
    let call = word(tokens.first())? == "sleep" && group(tokens.get(1), Delimiter::Parenthesis).is_some();
    call.then(|| "a test sleeps: wait for what it waits for, or pause time".to_owned())
}

fn unwrap(source: &Source, tokens: &[TokenTree]) -> Option<String> {
    if !is_punct(tokens.first(), '.') || !NO_UNWRAP.iter().any(|folder| source.file().starts_with(folder)) {
        return None;
    }
    let name = word(tokens.get(1))?;
    let call = group(tokens.get(2), Delimiter::Parenthesis).is_some();
    (call && (name == "unwrap" || name == "expect")).then(|| format!("`.{name}(…)` outside tests: say what happens instead"))
}

/// Generated code is in modules of this name, one a side.
fn is_bindings(source: &Source) -> bool {
    source.file().file_stem().is_some_and(|name| name == "bindings")
}

struct Functions<'a> {
    source: &'a Source,
    breaches: Vec<Breach>,
}

impl Functions<'_> {
    /// `from` is where the signature begins: attributes and documentation do not count.
    fn check(&mut self, from: &syn::Signature, block: &syn::Block) {
        let start = from.span().start().line;
        let lines = block.span().end().line.saturating_sub(start) + 1;
        if lines > LONGEST_FUNCTION {
            let rule = format!("`{}` has {lines} lines; at most {LONGEST_FUNCTION}: split it by what it does", from.ident);
            self.breaches.push(Breach::new(self.source.file(), start, rule));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.check(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.check(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::super::breaches_of;
    use super::check;

    fn lines(file: &str, contents: &str) -> Vec<String> {
        breaches_of(file, contents, check)
    }

    fn breaks(file: &str, contents: &str, rule: &str) {
        let found = lines(file, contents);
        assert!(found.len() == 1 && found[0].contains(rule), "{contents}: {found:?}");
    }

    #[test]
    fn a_function_has_at_most_80_lines() {
        let body = |lines: usize| format!("/// Long documentation.\n{}fn f() {{{}}}", "/// More.\n".repeat(90), "\n".repeat(lines - 1));
        assert_eq!(lines("a/src/b.rs", &body(80)), [""; 0]);
        breaks("a/src/b.rs", &body(81), "`f` has 81 lines");
        breaks("a/src/b.rs", &format!("struct A;\nimpl A {{ {} }}", body(81)), "`f` has 81 lines");
        breaks("a/src/b.rs", &format!("trait A {{ {} }}", body(81)), "`f` has 81 lines");
    }

    #[test]
    fn nothing_is_left_to_do() {
        for name in ["todo", "unimplemented", "dbg"] {
            breaks("a/src/b.rs", &format!("fn f() {{ {name}!() }}"), name);
            breaks("a/tests/b.rs", &format!("fn f() {{ vec![{name}!(1)]; }}"), name);
        }
        assert_eq!(lines("a/src/b.rs", "// todo!()\nconst A: &str = \"dbg!(1)\";"), [""; 0]);
    }

    #[test]
    fn no_test_is_ignored_and_no_lint_silenced() {
        breaks("a/tests/b.rs", "#[test]\n#[ignore]\nfn f() {}", "ignore");
        assert_eq!(lines("a/tests/b.rs", "#[test]\n#[ignore = \"another test runs it\"]\nfn f() {}"), [""; 0]);
        breaks("a/src/b.rs", "#[allow(dead_code)]\nfn f() {}", "silenced");
        breaks("a/src/b.rs", "#![allow(dead_code)]", "silenced");
        breaks("a/src/b.rs", "#[expect(dead_code)]\nfn f() {}", "silenced");
        breaks("a/src/b.rs", "#[cfg_attr(unix, allow(dead_code))]\nfn f() {}", "silenced");
        assert_eq!(lines("a/src/bindings.rs", "#![allow(dead_code)]"), [""; 0]);
        assert_eq!(lines("a/src/b.rs", "#[allow(unsafe_code)]\nmod bindings {}"), [""; 0]);
        assert_eq!(lines("a/src/b.rs", "#[cfg(test)]\nmod tests {\n#![allow(clippy::unwrap_used)]\n}"), [""; 0]);
        assert_eq!(lines("a/src/b.rs", "#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests {}"), [""; 0]);
    }

    #[test]
    fn unsafe_has_one_place() {
        breaks("runtime/src/pool/mod.rs", "fn f() { unsafe {} }", "unsafe");
        breaks("a/tests/b.rs", "unsafe fn f() {}", "unsafe");
        assert_eq!(lines("runtime/src/engine/aot.rs", "fn f() { unsafe {} }"), [""; 0]);
    }

    #[test]
    fn tests_do_not_sleep() {
        breaks("a/tests/b.rs", "fn f() { std::thread::sleep(x); }", "sleeps");
        breaks("a/src/b.rs", "#[cfg(test)]\nmod tests { fn f() { tokio::time::sleep(x).await; } }", "sleeps");
        assert_eq!(lines("a/src/b.rs", "fn f() { std::thread::sleep(x); }"), [""; 0]);
    }

    #[test]
    fn nothing_is_unwrapped_where_it_can_be_reached_from_outside() {
        breaks("runtime/src/b.rs", "fn f() { a.unwrap(); }", "unwrap");
        breaks("cli/src/b.rs", "fn f() { a.b().expect(\"c\"); }", "expect");
        assert_eq!(lines("runtime/src/b.rs", "#[test]\nfn f() { a.unwrap(); }"), [""; 0]);
        assert_eq!(lines("runtime/src/b.rs", "fn f() { a.unwrap_or(1); }"), [""; 0]);
        assert_eq!(lines("runtime/src/b.rs", "/// `a.unwrap()`\nfn f() {}"), [""; 0]);
        assert_eq!(lines("xtask/src/b.rs", "fn f() { a.unwrap(); }"), [""; 0]);
    }
}
