//! TLS: certificate and key from files, read again when they change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ServerError;

/// How often handshakes look at the files, at most: a renewed certificate serves after that long, without a restart.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the server's certificate, then those that lead to its root.
    pub certificate: PathBuf,
    /// PEM: the certificate's private key (PKCS #8, PKCS #1 or SEC1).
    pub key: PathBuf,
}

/// What shakes hands. Clones share it.
#[derive(Clone)]
pub(super) struct Tls(TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    pub(super) fn load(files: &TlsFiles) -> Result<Self, ServerError> {
        let current = Arc::new(read(files)?);
        let looked = Mutex::new((Instant::now(), written(files)));
        let renewing = Renewing { files: files.clone(), current: RwLock::new(current), looked };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(unfit(files))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::new(renewing));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

/// The certificate as the files have it.
struct Renewing {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
    /// When the files were last looked at, and when they had been written.
    looked: Mutex<(Instant, Written)>,
}

type Written = (Option<SystemTime>, Option<SystemTime>);

impl std::fmt::Debug for Renewing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewing").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Renewing {
    /// Takes over what the files have, if they have changed. While they do not fit, between the renewal of one and of the other, the old ones serve on.
    fn look(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let (when, before) = *looked;
        if when.elapsed() < LOOK_AGAIN {
            return;
        }
        let now = written(&self.files);
        if now == before {
            looked.0 = Instant::now();
            return;
        }
        match read(&self.files) {
            Ok(renewed) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
                *looked = (Instant::now(), now);
                tracing::info!(certificate = %self.files.certificate.display(), "the certificate was renewed");
            }
            Err(error) => {
                looked.0 = Instant::now();
                tracing::warn!(%error, "the changed certificate does not serve; the former does");
            }
        }
    }
}

impl ResolvesServerCert for Renewing {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.look();
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn written(files: &TlsFiles) -> Written {
    let of = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    (of(&files.certificate), of(&files.key))
}

fn unfit(files: &TlsFiles) -> impl Fn(rustls::Error) -> ServerError {
    |source| ServerError::Tls { certificate: files.certificate.clone(), key: files.key.clone(), source }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, ServerError> {
    let unreadable = |what, path: &PathBuf| {
        let path = path.clone();
        move |error: rustls::pki_types::pem::Error| ServerError::TlsFile { what, path, reason: in_words(&error) }
    };
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable("the certificate", &files.certificate))?;
    if certificates.is_empty() {
        let reason = "there is no `BEGIN CERTIFICATE` in it".to_owned();
        return Err(ServerError::TlsFile { what: "the certificate", path: files.certificate.clone(), reason });
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable("the key", &files.key))?;
    CertifiedKey::from_der(certificates, key, &aws_lc_rs::default_provider()).map_err(unfit(files))
}

fn in_words(error: &rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::NoItemsFound => "there is no `BEGIN … PRIVATE KEY` in it".to_owned(),
        rustls::pki_types::pem::Error::Io(error) => error.to_string(),
        other => format!("it is no PEM file: {other}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(certificate: &str, key: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        if !certificate.is_empty() {
            fs::write(&files.certificate, certificate).unwrap();
        }
        fs::write(&files.key, key).unwrap();
        Tls::load(&files).unwrap_err().to_string()
    }

    #[test]
    fn files_that_do_not_serve_are_named_with_the_reason() {
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let missing = refused("", "");
        assert!(missing.contains("cert.pem") && missing.contains("No such file"), "{missing}");
        let empty = refused("nothing", "");
        assert!(empty.contains("cert.pem") && empty.contains("BEGIN CERTIFICATE"), "{empty}");
        let keyless = refused(certificate, "nothing");
        assert!(keyless.contains("key.pem") && keyless.contains("PRIVATE KEY"), "{keyless}");
    }
}
