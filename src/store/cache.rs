//! What can be asked for again, such as registrations and which server served last: small files whose loss costs one request.
//!
//! No secret is put here. Every failure is silent: a cache that cannot be read or written is an empty one.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::text;
use crate::digest;
use crate::os::files;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The cache in a data directory.
#[derive(Clone, Debug)]
pub struct Cache {
    /// `None` for a cache that stays empty.
    directory: Option<PathBuf>,
}

/// A cached value with its whole key: the file name holds only a part of the key's hash.
#[derive(Serialize, Deserialize)]
struct Entry<K, T> {
    key: K,
    value: T,
}

impl Cache {
    /// Returns the cache below `data_dir`; one that stays empty if there is no data directory, and the path is empty.
    pub fn new(data_dir: &Path) -> Self {
        let exists = !data_dir.as_os_str().is_empty();
        Self {
            directory: exists.then(|| data_dir.join("cache")),
        }
    }

    /// Returns what was put under `kind` and `key`; `None` if there is nothing of that form.
    pub fn get<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Option<T> {
        let path = self.path(kind, key)?;
        let bytes = files::read_private(&path, MAX_BYTES)
            .inspect_err(|err| log::debug!("no cache: {err:#}"))
            .ok()??;
        let entry: Entry<String, T> = serde_json::from_slice(&bytes)
            .inspect_err(|err| {
                log::debug!(
                    "no cache: {} is broken, line {}",
                    path.display(),
                    err.line()
                )
            })
            .ok()?;
        (entry.key == key).then_some(entry.value)
    }

    /// Keeps a value under `kind`, which is made of letters and dashes, and `key`.
    pub fn put<T: Serialize + DeserializeOwned>(&self, kind: &str, key: &str, value: &T) {
        let Some(path) = self.path(kind, key) else {
            return;
        };
        let written =
            text::checked_as::<Entry<String, T>, _>(&Entry { key, value }, &path.display())
                .map_err(anyhow::Error::new)
                .and_then(|text| {
                    anyhow::ensure!(
                        text.len() as u64 <= MAX_BYTES,
                        "it has {} bytes",
                        text.len()
                    );
                    Ok(files::write_cache(&path, text.as_bytes())?)
                });
        if let Err(err) = written {
            log::debug!("not cached: {err:#}");
        }
    }

    fn path(&self, kind: &str, key: &str) -> Option<PathBuf> {
        let hash = digest::hex(&digest::sha256(key), 8);
        Some(self.directory.as_ref()?.join(format!("{kind}-{hash}.json")))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    #[cfg(unix)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_cache_returns_exactly_what_was_put() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::new(home.path());
        assert_eq!(cache.get::<Vec<u8>>("metadata", "https://as.example"), None);
        cache.put("metadata", "https://as.example", &[1_u8, 2]);
        assert_eq!(
            cache.get("metadata", "https://as.example"),
            Some(vec![1_u8, 2])
        );
        assert_eq!(
            cache.get::<Vec<u8>>("metadata", "https://as.example/"),
            None
        );
        assert_eq!(cache.get::<Vec<u8>>("client", "https://as.example"), None);
        let path = cache.path("metadata", "https://as.example").unwrap();
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_broken_or_foreign_file_is_a_miss() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::new(home.path());
        let path = cache.path("metadata", "key").unwrap();
        let large = format!(
            "{{\"key\":\"key\",\"value\":1}}{}",
            " ".repeat(MAX_BYTES as usize)
        );
        cache.put("metadata", "key", &1);
        for text in [
            "",
            "{",
            "\0",
            "{\"key\":\"other\",\"value\":1}",
            "{\"key\":\"key\",\"value\":\"a\"}",
            &large,
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(cache.get::<u8>("metadata", "key"), None, "{:.40}", text);
        }
        cache.put("metadata", "key", &7);
        assert_eq!(cache.get::<u8>("metadata", "key"), Some(7));
    }

    #[test]
    fn a_cache_of_nothing_stays_empty() {
        let cache = Cache::new(Path::new(""));
        cache.put("metadata", "key", &1);
        assert_eq!(cache.get::<u8>("metadata", "key"), None);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_silent() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = Cache::new(file.path());
        cache.put("metadata", "key", &1);
        assert_eq!(cache.get::<u8>("metadata", "key"), None);
    }
}
