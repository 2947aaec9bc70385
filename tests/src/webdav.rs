//! Real WebDAV servers as processes on loopback: Apache's `httpd` with `mod_dav`, and nginx with `dav-ext`.
//!
//! Both run in the foreground, with a configuration and a directory of the test's own, and are killed when they are dropped.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use cofferdam::Grant;
use tempfile::TempDir;

use crate::{port, tools};

/// Whom Apache lets in.
const USER: &str = "cofferdam";

/// That user's password.
pub const PASSWORD: &str = "enters:no/sandbox+at all";

/// Where Debian keeps the modules of Apache, and of nginx.
const APACHE_MODULES: &str = "/usr/lib/apache2/modules";
const NGINX_DAV: &str = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";

/// The collection that mounts use.
const COLLECTION: &str = "/dav";

/// `INode` since the other two repeat for two files of one size that are written within a tick of the clock.
const APACHE: &str = "
ServerRoot \"DIR\"
PidFile \"DIR/pid\"
ErrorLog \"DIR/errors\"
Mutex \"file:DIR\" default
ServerName localhost
Listen 127.0.0.1:PORT
User nobody
Group nogroup
LoadModule mpm_event_module MODULES/mod_mpm_event.so
LoadModule authn_core_module MODULES/mod_authn_core.so
LoadModule authn_file_module MODULES/mod_authn_file.so
LoadModule authz_core_module MODULES/mod_authz_core.so
LoadModule authz_user_module MODULES/mod_authz_user.so
LoadModule auth_basic_module MODULES/mod_auth_basic.so
LoadModule dav_module MODULES/mod_dav.so
LoadModule dav_fs_module MODULES/mod_dav_fs.so
LoadModule dav_lock_module MODULES/mod_dav_lock.so
DavLockDB \"DIR/locks\"
DocumentRoot \"DIR/root\"
FileETag INode MTime Size
KeepAliveTimeout 60
MaxKeepAliveRequests 0
<Directory \"DIR/root\">
    Dav On
    AllowOverride None
    AuthType Basic
    AuthName cofferdam
    AuthUserFile \"DIR/users\"
    Require valid-user
</Directory>
";

const NGINX: &str = "
load_module NGINX_DAV;
daemon off;
pid DIR/pid;
error_log DIR/errors;
events {}
http {
    access_log off;
    client_max_body_size 0;
    client_body_temp_path DIR/incoming;
    dav_ext_lock_zone zone=locks:10m;
    server {
        listen 127.0.0.1:PORT;
        root DIR/root;
        keepalive_requests 1000000;
        location / {
            dav_methods PUT DELETE MKCOL COPY MOVE;
            dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
            dav_ext_lock zone=locks;
            dav_access user:rw group:rw all:rw;
        }
    }
}
";

/// A running server with an empty collection.
#[derive(Debug)]
pub struct WebDavServer {
    child: Child,
    port: u16,
    home: TempDir,
    signs: bool,
}

impl WebDavServer {
    /// Starts Apache, which lets in who knows a password; or says that the test is skipped.
    ///
    /// # Panics
    /// It does not start.
    pub fn apache() -> Option<Self> {
        let (program, htpasswd) = (tools::find("apache2")?, tools::find("htpasswd")?);
        let configuration = APACHE.replace("MODULES", APACHE_MODULES);
        let prepare = |home: &Path| {
            // Not one of the slow ways to keep a password: it is checked with each request.
            tools::run(Command::new(&htpasswd).args(["-b", "-c", "-s"]).arg(home.join("users")).args([USER, PASSWORD]));
        };
        Some(Self::start(&program, &["-DFOREGROUND", "-f"], &configuration, true, prepare))
    }

    /// Starts nginx, which lets in everybody; or says that the test is skipped.
    ///
    /// # Panics
    /// It does not start.
    pub fn nginx() -> Option<Self> {
        let program = tools::find("nginx")?;
        if !Path::new(NGINX_DAV).is_file() {
            tools::skip(&format!("{NGINX_DAV} is not installed: `cargo xtask tools` installs it"));
            return None;
        }
        let configuration = NGINX.replace("NGINX_DAV", NGINX_DAV);
        Some(Self::start(&program, &["-c"], &configuration, false, |_| ()))
    }

    fn start(program: &Path, arguments: &[&str], configuration: &str, signs: bool, prepare: impl FnOnce(&Path)) -> Self {
        let home = tempfile::tempdir().unwrap();
        // A server that root starts works as somebody else.
        for folder in ["", "root", "root/dav"] {
            let folder = home.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        }
        prepare(home.path());
        let started = port::start(|port| {
            let file = home.path().join("configuration");
            fs::write(&file, configuration.replace("DIR", home.path().to_str().unwrap()).replace("PORT", &port.to_string())).unwrap();
            let mut command = Command::new(program);
            command.args(arguments).arg(&file);
            command
        });
        let Some((child, port)) = started else {
            panic!("the server does not start:\n{}", fs::read_to_string(home.path().join("errors")).unwrap_or_default());
        };
        Self { child, port, home, signs }
    }

    /// A grant for the driver `webdav` with these settings besides those that say where the server is.
    ///
    /// # Panics
    /// The settings are no TOML.
    pub fn grant(&self, settings: &str) -> Grant {
        self.grant_through(&self.origin(), settings, "")
    }

    /// As [`WebDavServer::grant`], where the server is reached at `origin`, with more lines of the rule for it.
    ///
    /// # Panics
    /// The settings or the lines are no TOML.
    pub fn grant_through(&self, origin: &str, settings: &str, lines: &str) -> Grant {
        fs::write(self.home.path().join("password"), PASSWORD).unwrap();
        let sign = format!("sign = {{ scheme = \"basic\", user = \"{USER}\", password-file = \"password\" }}\n");
        let text = format!(
            "[settings]\nurl = \"{origin}{COLLECTION}\"\n{settings}\n\
             [[http]]\nallow = \"{origin}\"\npath = \"{COLLECTION}\"\naddresses = [\"127.0.0.1/32\"]\n{lines}\n{}",
            if self.signs { &sign } else { "" }
        );
        Grant::parse(&text, &self.home.path().join("grant.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its URL, without a `/` at the end.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the collection is on the disk.
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("root/dav")
    }
}

impl Drop for WebDavServer {
    fn drop(&mut self) {
        // Both end their workers when they are asked to; killed, they would leave them behind.
        let asked = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let ended = asked.is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM).is_ok());
        if !ended {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
