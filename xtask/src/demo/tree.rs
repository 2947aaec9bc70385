//! Makes the file tree that the demo stores: sources of crates, build products, and files made up to sizes that those lack.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// How large a tree becomes.
pub(super) struct Sizes {
    /// All files together, at least.
    least: u64,
    /// The largest file.
    largest: u64,
    /// The files that are made up where the machine has too few real ones.
    filler: u64,
}

/// The tree of the demo.
pub(super) const DEMO: Sizes = Sizes { least: 210_000_000, largest: 100_000_000, filler: 8_000_000 };

/// The share of crates' sources: small files, thousands of them.
const SOURCES: Share = Share { files: 3000, bytes: 40_000_000 };

/// The share of build products: few and large.
const PRODUCTS: Share = Share { files: 20, bytes: 60_000_000 };

/// How much of something is taken.
struct Share {
    files: usize,
    bytes: u64,
}

/// What a tree holds: paths from its root, and what is there.
pub(super) type Files = BTreeMap<String, Entry>;

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its size.
    pub(super) size: u64,
    /// The sha256 of its bytes.
    pub(super) digest: [u8; 32],
}

/// Makes a tree in `root`, which is empty, of what is below `sources` and the libraries in `products`.
///
/// # Errors
/// The disk is full, or a source cannot be read.
pub(super) fn make(root: &Path, sources: &[PathBuf], products: &Path, sizes: &Sizes) -> Result<()> {
    let mut tree = Tree { root: root.to_owned(), bytes: 0 };
    for sources in sources {
        tree.take_all(sources, "crates", &SOURCES)?;
    }
    tree.take_largest(products)?;
    tree.make_up("made-up/empty", 0)?;
    tree.make_up("made-up/one-byte", 1)?;
    tree.make_up("made-up/largest", sizes.largest)?;
    for number in 0.. {
        if tree.bytes >= sizes.least {
            break;
        }
        tree.make_up(&format!("made-up/filler-{number}"), sizes.filler)?;
    }
    Ok(())
}

struct Tree {
    root: PathBuf,
    bytes: u64,
}

impl Tree {
    /// Copies the files below `folder`, in the order of their names, until the share is full.
    fn take_all(&mut self, folder: &Path, below: &str, share: &Share) -> Result<()> {
        let (mut files, mut bytes) = (0, 0);
        for (name, file) in files_below(folder)? {
            let size = fs::metadata(&file)?.len();
            if files == share.files || bytes + size > share.bytes {
                break;
            }
            self.copy(&file, &format!("{below}/{name}"))?;
            files += 1;
            bytes += size;
        }
        Ok(())
    }

    /// Copies the largest libraries of `folder` that fit the share.
    fn take_largest(&mut self, folder: &Path) -> Result<()> {
        let mut products: Vec<(u64, String, PathBuf)> = Vec::new();
        for file in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rlib") && storable(&name) {
                products.push((file.metadata()?.len(), name, file.path()));
            }
        }
        products.sort_unstable_by(|a, b| b.cmp(a));
        let mut left = PRODUCTS.bytes;
        for (size, name, file) in products.into_iter().take(PRODUCTS.files) {
            if size <= left {
                left -= size;
                self.copy(&file, &format!("products/{name}"))?;
            }
        }
        Ok(())
    }

    fn copy(&mut self, from: &Path, name: &str) -> Result<()> {
        let to = self.place(name)?;
        self.bytes += fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
        Ok(())
    }

    /// A file of pseudo-random bytes: nothing on the way can compress or deduplicate them, and they are the same each time.
    fn make_up(&mut self, name: &str, size: u64) -> Result<()> {
        let mut random = Random(size ^ name.len() as u64);
        let mut file = BufWriter::new(File::create(self.place(name)?)?);
        let mut left = size;
        while left > 0 {
            let bytes = random.next().to_le_bytes();
            let take = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            file.write_all(&bytes[..take])?;
            left -= take as u64;
        }
        file.flush()?;
        self.bytes += size;
        Ok(())
    }

    fn place(&self, name: &str) -> Result<PathBuf> {
        let place = self.root.join(name);
        fs::create_dir_all(place.parent().context("every name is below a folder")?)?;
        Ok(place)
    }
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Where cargo keeps the sources of the crates that it downloaded.
pub(super) fn crate_sources() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    registries.into_iter().flatten().flatten().map(|registry| registry.path()).collect()
}

/// The files below `folder` whose names a store takes, by their path from it, links left out.
fn files_below(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut open = vec![(String::new(), folder.to_owned())];
    while let Some((below, folder)) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{below}{name}");
            if !storable(&name) || path.len() > 800 {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push((format!("{path}/"), entry.path()));
            } else if kind.is_file() {
                files.insert(path, entry.path());
            }
        }
    }
    Ok(files)
}

/// Whether a name may be a component of a path in a store.
fn storable(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.len() <= 200 && name != "." && name != ".." && name.bytes().all(allowed)
}

/// The size and digest of every file below `root`.
///
/// # Errors
/// A file cannot be read.
pub(super) fn digests(root: &Path) -> Result<Files> {
    files_below(root)?.into_iter().map(|(name, file)| Ok((name, digest(&file)?))).collect()
}

fn digest(file: &Path) -> Result<Entry> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(file).with_context(|| format!("opening {}", file.display()))?);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
        };
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
    Ok(Entry { size, digest: hasher.finalize().into() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn the_tree_is_large_and_has_files_of_every_size() {
        let folder = tempfile::tempdir().unwrap();
        let [root, sources, products] = ["root", "sources", "products"].map(|name| folder.path().join(name));
        fs::create_dir_all(sources.join("a-1.0")).unwrap();
        fs::create_dir_all(&products).unwrap();
        fs::write(sources.join("a-1.0/lib.rs"), "source").unwrap();
        fs::write(products.join("libb.rlib"), "product").unwrap();
        make(&root, &[sources], &products, &Sizes { least: 5000, largest: 1000, filler: 800 }).unwrap();
        let files = digests(&root).unwrap();
        let size = |name: &str| files[name].size;
        assert!((5000..6000).contains(&files.values().map(|entry| entry.size).sum::<u64>()));
        assert_eq!(
            [size("made-up/empty"), size("made-up/one-byte"), size("made-up/largest"), size("crates/a-1.0/lib.rs"), size("products/libb.rlib")],
            [0, 1, 1000, 6, 7]
        );
    }

    #[test]
    fn a_digest_is_of_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), "abc").unwrap();
        fs::write(folder.path().join("not storable"), "abc").unwrap();
        let files = digests(folder.path()).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a/b"]);
        assert_eq!((files["a/b"].size, &files["a/b"].digest[..4]), (3, &[0xba, 0x78, 0x16, 0xbf][..]));
    }

    #[test]
    fn made_up_files_are_the_same_each_time() {
        let make = || {
            let folder = tempfile::tempdir().unwrap();
            Tree { root: folder.path().to_owned(), bytes: 0 }.make_up("x/y", 1001).unwrap();
            digests(folder.path()).unwrap()
        };
        assert_eq!(make()["x/y"], make()["x/y"]);
        assert_eq!(make()["x/y"].size, 1001);
    }
}
