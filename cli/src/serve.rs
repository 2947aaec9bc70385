//! `cofferdam serve`: a registry in the foreground, from a file or from nothing but a directory.

use std::fs;

use anyhow::{Context, Result};
use cofferdam_registry::{Config, ListenerConfig, Serve};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::ServeArgs;
use crate::output::Output;
use crate::{driver_options, output};

/// Serves until SIGTERM or SIGINT; transfers in flight are finished then.
///
/// # Errors
/// If the configuration is wrong, a driver does not start, or an address is taken.
pub(crate) async fn run(arguments: &ServeArgs, quiet: bool) -> Result<()> {
    let stop = Stop::watch()?;
    let config = configuration(arguments)?;
    let serve = Serve::open(config, &driver_options::engine()?).await?;
    announce(&serve, quiet)?;
    let stopped = serve.run(stop.wait()).await?;
    if stopped.cut_off > 0 {
        tracing::warn!("{} connections had not ended in time and were cut off", stopped.cut_off);
    }
    Ok(())
}

/// What the flags and the file say; a directory that is to be served from is made.
fn configuration(arguments: &ServeArgs) -> Result<Config> {
    if let Some(data) = arguments.registry.data()? {
        fs::create_dir_all(&data).with_context(|| format!("cannot make the directory {}", data.display()))?;
    }
    let mut config = arguments.registry.config()?;
    if let Some(address) = arguments.listen {
        config.listeners = vec![ListenerConfig { address, tls: None }];
    }
    Ok(config)
}

/// Says what is served to whom, where, and how to push; then each address on a line of its own.
fn announce(serve: &Serve, quiet: bool) -> Result<()> {
    let addresses = serve.addresses();
    let mut text = String::new();
    if !quiet {
        for line in serve.description() {
            text.push_str(line);
            text.push('\n');
        }
        if let Some(address) = addresses.first() {
            let insecure = if address.is_tls { "" } else { "--dest-tls-verify=false " };
            let host = address.socket;
            text.push_str(&format!("push with:  skopeo copy {insecure}oci:IMAGE docker://{host}/NAME:TAG\n"));
            text.push_str(&format!("       or:  podman push {}IMAGE {host}/NAME:TAG\n", if address.is_tls { "" } else { "--tls-verify=false " }));
        }
    }
    for address in &addresses {
        text.push_str(&format!("listening on {address}\n"));
    }
    // Whoever started it may wait for those lines, through a pipe.
    let mut out = Output::new();
    match out.bytes(text.as_bytes()).and_then(|()| out.finish()) {
        Err(error) if output::is_closed(&error) => Ok(()),
        written => written,
    }
}

/// The signals that end a server.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn watch() -> Result<Self> {
        let watch = |kind| signal(kind).context("cannot watch for signals");
        Ok(Self { terminate: watch(SignalKind::terminate())?, interrupt: watch(SignalKind::interrupt())? })
    }

    /// Waits for the first; a second ends the process at once, for whoever will not wait for transfers.
    async fn wait(mut self) {
        self.first().await;
        tokio::spawn(async move {
            self.first().await;
            std::process::exit(130);
        });
    }

    async fn first(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
