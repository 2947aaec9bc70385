//! What may be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use cofferdam_build::Language;
use jiff::SignedDuration;

use crate::driver_options::{DriverOptions, GrantOptions};
use crate::registry_options::RegistryOptions;

/// What `cofferdam.toml` is, at the end of the long help.
const CONFIG_HELP: &str = "\
cofferdam.toml is a grant file that also names its driver. It is looked for in the current directory; paths in it are
relative to it, and every flag stands above it:

    driver = \"filesystem.wasm\"
    pin = \"sha256:…\"              # optional: the digest that the driver must have

    [settings]                     # the driver's own
    root = \"/data\"

    [[directory]]
    name = \"/data\"                # what the driver calls it
    host = \"./cofferdam-data\"
    access = \"read-write\"         # or \"read-only\"

Environment: COFFERDAM_CACHE is where compiled drivers are kept (empty: nowhere; default: the user's cache directory),
COFFERDAM_LOG what is logged to standard error besides warnings (`info`, `cofferdam=debug`).";

/// What to try first, at the end of the long help of `serve`.
const SERVE_HELP: &str = "\
    cofferdam serve &
    skopeo copy --dest-tls-verify=false docker://docker.io/library/busybox docker://127.0.0.1:5000/busybox

It ends at SIGTERM or SIGINT, when the transfers in flight have ended; a second signal ends it at once.
COFFERDAM_LOG=access=info writes the access log to standard error.";

/// Storage drivers as sandboxed WebAssembly components: inspect, certify and use them.
///
/// Commands that use a driver take it from --driver and its grant from --grant, or both from
/// `cofferdam.toml` in the current directory.
#[derive(Debug, Parser)]
#[command(name = "cofferdam", version, max_term_width = 100, after_long_help = CONFIG_HELP)]
pub(crate) struct Cli {
    /// Write every call of the driver, with its host calls, bytes and outcome, to standard error or to FILE
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub(crate) trace: Option<PathBuf>,
    /// No progress bars and no summaries
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Begin a driver of one's own: a project in a new folder
    New(NewArgs),
    /// Build the driver of the project that one is in
    Build(BuildArgs),
    /// Show what a driver is and what it asks for, without running it
    Inspect(InspectArgs),
    /// Serve an OCI registry whose storage is a driver
    Serve(ServeArgs),
    /// Remove the blobs of a registry that no manifest needs, while it runs
    Gc(GcArgs),
    /// Read every blob of a registry again and tell what is damaged or missing
    Scrub(ScrubArgs),
    /// Test a driver against everything that it claims
    Certify(CertifyArgs),
    /// A second host process for `certify`.
    #[command(hide = true)]
    CertifyWorker(WorkerArgs),
    /// Store files, directories or standard input
    Put(PutArgs),
    /// Fetch an object, or everything below a prefix
    Get(GetArgs),
    /// Write objects to standard output
    Cat(CatArgs),
    /// List what is stored
    Ls(LsArgs),
    /// Show what is known about an object
    Stat(StatArgs),
    /// Remove objects
    Rm(RmArgs),
    /// Move an object
    Mv(MoveArgs),
    /// Copy an object
    Cp(MoveArgs),
    /// Print the completions of a shell: `cofferdam completions bash > /etc/bash_completion.d/cofferdam`
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// `new`
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// What it is written in: rust, c, go, python, javascript or typescript
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) lang: Language,
    /// The driver's name: small letters, digits and hyphens
    pub(crate) name: String,
    /// The folder, which is empty or not there [default: the name, in the current folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
}

/// `build`
///
/// The tools of the project's language are installed by their ordinary package manager into a cache of the user's, once.
/// COFFERDAM_TOOLS names another folder for them.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The project's folder, or one below it
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) path: PathBuf,
    /// Where the tools of languages are kept
    #[arg(long, value_name = "DIR")]
    pub(crate) tools: Option<PathBuf>,
    /// Install nothing: a tool that is not there is an error
    #[arg(long)]
    pub(crate) offline: bool,
}

/// `inspect`
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The driver's `.wasm` [default: that of the project one is in]
    pub(crate) driver: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only the smallest grant that would let it load
    #[arg(long, conflicts_with = "json")]
    pub(crate) grant_only: bool,
}

/// `serve`
///
/// Without --config it keeps everything in one directory, through the filesystem driver, and listens on this machine alone.
#[derive(Debug, Args)]
#[command(after_long_help = SERVE_HELP)]
pub(crate) struct ServeArgs {
    /// Where to listen, instead of the file's listeners; port 0 takes a free one [default: 127.0.0.1:5000]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) registry: RegistryOptions,
}

/// `gc`
///
/// Runs beside any number of `serve` over the same storage: what a client comes to rely on meanwhile is kept. A blob that no manifest needs is marked, and
/// removed if the mark still stands after the grace period.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// How long a client may take from a blob to the manifest that names it
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    pub(crate) grace: Duration,
    /// Only tell what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON array: an object for each store
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryOptions,
}

/// `scrub`
///
/// One that was interrupted goes on where it was. Exit code 1 means that something is damaged or missing.
#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {
    /// How many bytes are read a second at most, `50 MiB` say
    #[arg(long, value_name = "SIZE")]
    pub(crate) rate: Option<ByteSize>,
    /// Forget an interrupted scrub and read everything again
    #[arg(long)]
    pub(crate) from_the_start: bool,
    /// Print one JSON array: an object for each store
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryOptions,
}

fn duration(text: &str) -> Result<Duration, String> {
    let example = || "write a duration such as 90s, 10min or 1h".to_owned();
    text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok()).ok_or_else(example)
}

/// `certify`
#[derive(Debug, Args)]
pub(crate) struct CertifyArgs {
    /// The driver's `.wasm` [default: that of the project one is in, with the grant that it names]
    pub(crate) driver: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) grant: GrantOptions,
    /// Print one JSON object: `passed`, `failed`, `skipped` as numbers and `cases`
    #[arg(long)]
    pub(crate) json: bool,
    /// Run only the cases whose id matches, `list.*` say; may be repeated
    #[arg(long = "case", value_name = "GLOB")]
    pub(crate) cases: Vec<String>,
    /// Start from the files of DIR, stored at their paths: how a read-only driver is certified
    #[arg(long, value_name = "DIR")]
    pub(crate) filled: Option<PathBuf>,
    /// The setting by which the driver's server keeps stores apart, `prefix` say: each case gets a value of its own
    #[arg(long, value_name = "SETTING")]
    pub(crate) place: Option<String>,
    /// Run the long cases too, and wait longer in the others
    #[arg(long)]
    pub(crate) long: bool,
    /// Build and certify the project again whenever a file of it is saved, until it is interrupted
    #[arg(long, conflicts_with_all = ["driver", "json"])]
    pub(crate) watch: bool,
}

/// `certify-worker`
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The driver's `.wasm`
    pub(crate) driver: PathBuf,
}

/// `put`
#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// Files, directories with -r, or `-` for standard input
    #[arg(required = true)]
    pub(crate) local: Vec<PathBuf>,
    /// Where to: the object's path; with several files, or ending in `/`, the prefix below which they go by their names.
    /// The files of a directory go below it
    pub(crate) remote: String,
    /// Store directories with all that is in them
    #[arg(long, short)]
    pub(crate) recursive: bool,
    /// Fail where something is stored already
    #[arg(long)]
    pub(crate) if_absent: bool,
    /// Print the totals as one JSON object: files, bytes, seconds
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) driver: DriverOptions,
}

/// `get`
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// The object's path, or a prefix with -r
    pub(crate) remote: String,
    /// Where to: a file, a directory, or `-` for standard output
    pub(crate) local: PathBuf,
    /// Fetch everything below the prefix into the directory
    #[arg(long, short)]
    pub(crate) recursive: bool,
    /// Print the totals as one JSON object: files, bytes, seconds
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) driver: DriverOptions,
}

/// `cat`
#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// The objects' paths
    #[arg(required = true)]
    pub(crate) remote: Vec<String>,
    #[command(flatten)]
    pub(crate) driver: DriverOptions,
}

/// `ls`
#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// What to look below
    #[arg(default_value = "/")]
    pub(crate) prefix: String,
    /// Everything below instead of direct children
    #[arg(long, short)]
    pub(crate) recursive: bool,
    /// With size and time
    #[arg(long, short)]
    pub(crate) long: bool,
    /// Print one JSON array of objects: path, kind, size, modified, etag
    #[arg(long, conflicts_with = "long")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) driver: DriverOptions,
}

/// `stat`
#[derive(Debug, Args)]
pub(crate) struct StatArgs {
    /// The object's path
    pub(crate) remote: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) driver: DriverOptions,
}

/// `rm`
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// The objects' paths, or prefixes with -r
    #[arg(required = true)]
    pub(crate) remote: Vec<String>,
    /// Remove everything below too
    #[arg(long, short)]
    pub(crate) recursive: bool,
    /// Succeed where nothing is stored
    #[arg(long, short)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) driver: DriverOptions,
}

/// `mv` and `cp`
#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// The object's path
    pub(crate) source: String,
    /// Its new path; ending in `/`, the prefix below which it keeps its name
    pub(crate) destination: String,
    /// Fail where something is stored already
    #[arg(long)]
    pub(crate) if_absent: bool,
    #[command(flatten)]
    pub(crate) driver: DriverOptions,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
