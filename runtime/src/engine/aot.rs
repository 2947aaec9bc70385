//! The ahead-of-time cache: machine code that this host compiled, kept by digest and engine version.
//!
//! Loading it is the one unsafe act of Cofferdam: an entry is native code. Hence: only files that we wrote ourselves,
//! in a directory that nobody else can write (0700), and never bytes that a driver's author supplies.

use std::fs::{DirBuilder, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crc_fast::CrcAlgorithm;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::load::Digest;

/// Bytes of the checksum at the end of an entry.
const CHECKSUM: usize = 8;

/// Takes `wasm` from the cache in `directory`, or compiles it and leaves it there for the next process.
///
/// A cache that cannot be read or written is no error: the driver is then compiled, and a warning says why.
pub(super) fn load_or_compile(engine: &Engine, directory: &Path, wasm: &[u8], digest: &Digest) -> wasmtime::Result<Component> {
    let entry = directory.join(entry_name(engine, digest));
    if let Err(error) = prepare(directory) {
        tracing::warn!(cache = %directory.display(), %error, "compiled drivers cannot be kept here");
        return Component::new(engine, wasm);
    }
    match read(&entry) {
        Ok(code) => match deserialize(engine, &code) {
            Ok(component) => return Ok(component),
            Err(error) => tracing::warn!(entry = %entry.display(), %error, "a cached driver does not load and is compiled again"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(entry = %entry.display(), %error, "a cached driver is not usable and is compiled again"),
    }
    let code = engine.precompile_component(wasm)?;
    if let Err(error) = write(directory, &entry, &code) {
        tracing::warn!(entry = %entry.display(), %error, "a compiled driver cannot be kept");
    }
    deserialize(engine, &code)
}

fn entry_name(engine: &Engine, digest: &Digest) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}.cwasm", digest.hex(), hasher.finish()).into()
}

/// Makes the directory, for its owner only, and refuses one that others can write.
fn prepare(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    owned_by_us(&std::fs::symlink_metadata(directory)?, "directory")
}

fn owned_by_us(metadata: &Metadata, what: &str) -> io::Result<()> {
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !ours || metadata.permissions().mode() & 0o022 != 0 {
        let message = format!("the {what} can be written by others: make it yours alone (chmod go-w)");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

fn checksum(code: &[u8]) -> [u8; CHECKSUM] {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, code).to_be_bytes()
}

fn read(entry: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(entry)?;
    owned_by_us(&file.metadata()?, "file")?;
    let mut code = std::fs::read(entry)?;
    let kept = code.len().saturating_sub(CHECKSUM);
    if code[kept..] != checksum(&code[..kept]) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum does not match"));
    }
    code.truncate(kept);
    Ok(code)
}

fn write(directory: &Path, entry: &Path, code: &[u8]) -> io::Result<()> {
    // A temporary file is made 0600, and takes the entry's place whole.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(code)?;
    file.write_all(&checksum(code))?;
    file.persist(entry)?;
    Ok(())
}

/// Turns machine code of [`Engine::precompile_component`] into a component.
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was made by `precompile_component` of this engine's version and settings, either just now or by an
    // earlier process of this user: `read` took it from a file that only this user can write, in a directory that only this
    // user can write, under a name that holds the engine's compatibility hash, and its checksum held. Wasmtime itself
    // checks version and settings once more. Whoever can forge such a file can already run code as this user.
    #[allow(unsafe_code, reason = "the one place where the cache's own machine code is loaded")]
    unsafe {
        Component::deserialize(engine, code)
    }
}
