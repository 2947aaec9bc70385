//! What the workspace is built, shown and tested with: `cargo xtask <command>`.

mod certification;
mod demo;
mod guest_toolchain;
mod guests;
mod host;
mod process;
mod projects;
mod rules;
mod serve;
mod skeletons;
mod tools;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use crate::skeletons::Outcome;
use crate::workspace::Workspace;

/// What the workspace is built, shown and tested with.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build target/release/cofferdam and every driver into target/drivers/
    Build {
        /// The drivers only, or just those that are named
        #[arg(long, num_args = 0.., value_name = "NAME")]
        drivers: Option<Vec<String>>,
    },
    /// Build everything and start the registry on 127.0.0.1:5000; arguments go to `cofferdam serve`
    Serve {
        /// `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
        arguments: Vec<OsString>,
    },
    /// Store a real file tree through a sandboxed driver, read it back, and compare
    Demo,
    /// Build everything and run every test, as CI does
    Test,
    /// Measure, beside the same work done natively
    Bench {
        /// What to measure: runtime, registry, network or languages
        #[arg(default_value = "runtime")]
        what: String,
    },
    /// Check the house rules that a program can check
    Rules {
        /// Write excerpts on pages anew first
        #[arg(long)]
        fix: bool,
    },
    /// Install the programs that tests and benches drive a registry with: Debian's packages, with apt-get
    Tools,
    /// Build the skeletons and the example drivers in other languages, as far as their tools are there
    Skeletons {
        /// Install their tools into target/tools/ first, with pip and npm
        #[arg(long)]
        install: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let workspace = Workspace::locate()?;
    match command {
        Command::Build { drivers } => {
            let guests = match drivers.as_deref() {
                None | Some([]) => guests::discover(&workspace)?,
                Some(names) => guests::named(&workspace, names)?,
            };
            guests::build(&workspace, &guests)?;
            if drivers.is_none() {
                host::build_cli(&workspace)?;
            }
            Ok(())
        }
        Command::Serve { arguments } => serve::run(&workspace, &arguments),
        Command::Demo => demo::run(&workspace),
        Command::Test => test(&workspace),
        Command::Bench { what } => {
            guests::build(&workspace, &guests::discover(&workspace)?)?;
            host::build_cli(&workspace)?;
            host::run_benchmark(&workspace, &format!("bench-{what}"))
        }
        Command::Rules { fix } => {
            if fix {
                rules::fix(&workspace)?;
            }
            match rules::check(&workspace)? {
                0 => Ok(()),
                breaches => bail!("{breaches} breaches of the house rules"),
            }
        }
        Command::Tools => tools::install(&workspace),
        Command::Skeletons { install } => {
            if install {
                skeletons::install_tools(workspace.root())?;
            }
            build_others(&workspace).map(drop)
        }
    }
}

/// Builds the skeletons, and the example drivers in other languages; answers how many could not be.
fn build_others(workspace: &Workspace) -> Result<usize> {
    let mut skipped = 0;
    for (name, outcome) in skeletons::build_all(workspace.root())?.into_iter().chain(projects::build_all(workspace)?) {
        match outcome {
            Outcome::Built(file) => eprintln!("{name} is at {}", file.display()),
            Outcome::Skipped(reason) => {
                skipped += 1;
                eprintln!("{name} is left out: {reason}");
            }
        }
    }
    Ok(skipped)
}

/// What CI runs, except the checks of style; the last line says how many tests passed and failed.
fn test(workspace: &Workspace) -> Result<()> {
    guests::build(workspace, &guests::discover(workspace)?)?;
    let missing = build_others(workspace)?;
    if missing > 0 {
        eprintln!("{missing} drivers in other languages are left out; `cargo xtask skeletons --install` installs what they need");
    }
    let packages = tools::missing();
    if !packages.is_empty() {
        eprintln!("tests that need {} are skipped; `cargo xtask tools` installs these packages", packages.join(", "));
    }
    host::build_cli(workspace)?;
    let mut count = host::test(workspace)?;
    // Whoever has failing tests wants to see those last.
    if count.failed == 0 {
        count = count.and(certification::run(workspace)?);
    }
    println!("{} passed, {} failed", count.passed, count.failed);
    if count.failed > 0 { bail!("{} tests failed", count.failed) } else { Ok(()) }
}
