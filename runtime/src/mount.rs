//! A configured store: a driver with its grant, opened.

use std::sync::Arc;

use crate::claims::{Claims, Instances};
use crate::component::Driver;
use crate::driver::Mount;
use crate::error::{Error, ErrorKind};
use crate::grant::{Grant, GrantError, settings};
use crate::guests::Interface;
use crate::load::LoadError;
use crate::pool::Pool;
use crate::sandbox::Sandbox;

/// How to open a mount, beside its grant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MountOptions {
    /// The mount's name, for logs and metrics; the driver's digest where none is given.
    pub name: Option<String>,
    /// False opens it with every backend taken away (see [`Mount::set_backends_reachable`]): for certifiers.
    pub backends_reachable: bool,
}

impl Default for MountOptions {
    fn default() -> Self {
        Self { name: None, backends_reachable: true }
    }
}

impl Mount {
    /// Opens `driver` with what `grant` gives it: checks the grant, opens what it names, starts the first instance and
    /// asks it for its claims.
    ///
    /// Must be called within a tokio runtime with time enabled; the mount's janitor lives there.
    ///
    /// # Errors
    /// [`LoadError`]: an import that is not granted, a directory that does not exist, settings that do not fit, a driver that
    /// traps, refuses or takes too long.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn open(driver: &Driver, grant: &Grant, options: MountOptions) -> Result<Self, LoadError> {
        let name: Arc<str> = options.name.unwrap_or_else(|| driver.inspection().digest.to_string()).into();
        let sandbox = Sandbox::new(driver, grant, &name, options.backends_reachable)?;
        let mut refused: Option<GrantError> = None;
        let mut claims = Claims::default();
        let check = |schema: &str| {
            settings::check_grant(schema, grant).map_err(|error| {
                let message = error.to_string();
                refused = Some(error);
                Error::invalid_argument(message)
            })
        };
        let single = |said: &crate::pool::Said| {
            claims = Claims::parse(&said.claims)?;
            Ok(claims.instances == Instances::Single)
        };
        let started = Pool::start(sandbox, name, check, single).await;
        let pool = match (started, refused) {
            (Ok(pool), _) => pool,
            (Err(_), Some(refused)) => return Err(refused.into()),
            (Err(error), None) => return Err(LoadError::Start(error)),
        };
        let mount = Self::from_pool(pool, claims);
        mount.check_exports()?;
        Ok(mount)
    }

    /// Claims that need an interface which is not exported are lies, told before anybody believes them.
    fn check_exports(&self) -> Result<(), LoadError> {
        let claims = self.claims();
        let of_uploads = [
            ("late-destination", claims.late_destination),
            ("live-content", claims.live_content),
            ("complete-if-absent", claims.complete_if_absent),
            ("parallel-parts", claims.parallel_parts),
            ("out-of-order-parts", claims.out_of_order_parts),
        ];
        match of_uploads.into_iter().find(|(_, claimed)| *claimed && !self.has(Interface::Uploads)) {
            Some((claim, _)) => {
                let message = format!("the driver claims `{claim}` and does not export `uploads`");
                Err(LoadError::Start(Error::new(ErrorKind::Misbehaved, message)))
            }
            None => Ok(()),
        }
    }
}
