//! The `cofferdam` command: arguments in, exit code out.
//!
//! | module | its one job |
//! |---|---|
//! | `args` | what may be said on the command line |
//! | `driver_options` | which driver, with which grant: from flags or from `cofferdam.toml` |
//! | `new`, `build` | a driver's project: begun, and built |
//! | `watch` | building and certifying again on save |
//! | `inspect` | what a driver is and what it asks for, without running it |
//! | `certify` | the certification suite against one driver |
//! | `registry_options` | which registry: from flags or from a file |
//! | `serve` | a registry in the foreground |
//! | `collect`, `scrub` | a registry's garbage and damage |
//! | `store` | putting, getting, listing and changing what is stored |
//! | `output` | text and JSON for standard output |
//! | `progress` | bars on a terminal |
//! | `trace` | every call of the driver, readable |
//! | `failure` | errors as a person reads them |

mod args;
mod build;
mod certify;
mod collect;
mod driver_options;
mod failure;
mod inspect;
mod new;
mod output;
mod progress;
mod registry_options;
mod scrub;
mod serve;
mod store;
mod trace;
mod watch;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{CommandFactory, Parser};
use tokio::signal::unix::{SignalKind, signal};

use args::{Cli, Command};
use trace::Reader;

/// How long to wait for threads that are still at work when the command is done. None is, nearly always.
const LAST_MOMENT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(code) => code,
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            failure::print(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Result<ExitCode> {
    let is_server = matches!(cli.command, Command::Serve(_));
    let reader = if is_server { Reader::Journal } else { Reader::Person };
    trace::install(cli.trace.as_deref(), reader)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the asynchronous runtime")?;
    let code = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("cannot watch for signals")?;
        // Dropping the command removes its temporary files; a second signal is not waited for. A server minds its signals
        // itself: it has transfers to finish.
        tokio::select! {
            code = run(cli) => code,
            _ = tokio::signal::ctrl_c(), if !is_server => Ok(ExitCode::from(130)),
            _ = terminate.recv(), if !is_server => Ok(ExitCode::from(143)),
        }
    });
    // What finishes behind an answer, such as the removal of the process's own directory in a store, has its moment; a read of standard input
    // may block a thread for ever.
    runtime.shutdown_timeout(LAST_MOMENT);
    code
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let quiet = cli.quiet;
    match cli.command {
        Command::Serve(arguments) => serve::run(&arguments, quiet).await?,
        Command::Gc(arguments) => collect::run(&arguments, quiet).await?,
        Command::Scrub(arguments) => return scrub::run(&arguments, quiet).await,
        Command::New(arguments) => new::run(&arguments)?,
        Command::Build(arguments) => build::run(&arguments, quiet).await?,
        Command::Inspect(arguments) => inspect::run(&arguments)?,
        Command::Certify(arguments) => return certify::run(&arguments, quiet).await,
        Command::CertifyWorker(arguments) => certify::worker(&arguments).await?,
        Command::Put(arguments) => store::put::run(&arguments, quiet).await?,
        Command::Get(arguments) => store::get::run(&arguments, quiet).await?,
        Command::Cat(arguments) => store::get::cat(&arguments).await?,
        Command::Ls(arguments) => store::list::ls(&arguments).await?,
        Command::Stat(arguments) => store::list::stat(&arguments).await?,
        Command::Rm(arguments) => store::change::rm(&arguments).await?,
        Command::Mv(arguments) => store::change::mv(&arguments).await?,
        Command::Cp(arguments) => store::change::cp(&arguments).await?,
        Command::Completions { shell } => output::completions(shell, &mut Cli::command())?,
    }
    Ok(ExitCode::SUCCESS)
}
