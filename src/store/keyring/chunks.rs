//! Secrets of any length in a store that takes only short ones: numbered parts behind a header, which has their count and the
//! hash of the whole.
//!
//! A new secret is written to parts of its own, then the header is replaced, which is one call of the store, then the old parts
//! are deleted. Killed at any moment, this leaves the old secret or the new one; what else was torn does not match the hash.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, CredentialStore, Entry, Error};
use zeroize::Zeroizing;

use super::SERVICE;
use crate::digest::sha256_hex;

/// The first word of a header.
const MARK: &str = "mcp-login-parts";

/// Most bytes of one part. Spec: CREDENTIALW, `CRED_MAX_CREDENTIAL_BLOB_SIZE` is 2,560.
const PART_BYTES: usize = 2_560;

/// Most parts of one secret.
const MAX_PARTS: usize = 64;

/// How often a secret is read that somebody replaces meanwhile.
const READS: usize = 5;

/// A store whose entries of this program are kept in parts; those of other programs are as they are.
#[derive(Debug)]
pub(super) struct ChunkedStore {
    inner: Arc<CredentialStore>,
    modifiers: &'static [(&'static str, &'static str)],
}

impl ChunkedStore {
    /// Returns a store that keeps its parts in `inner`, each made with these modifiers.
    pub(super) fn new(
        inner: Arc<CredentialStore>,
        modifiers: &'static [(&'static str, &'static str)],
    ) -> Arc<Self> {
        Arc::new(Self { inner, modifiers })
    }
}

impl CredentialStoreApi for ChunkedStore {
    fn vendor(&self) -> String {
        self.inner.vendor()
    }

    fn id(&self) -> String {
        self.inner.id()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        modifiers: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<Entry> {
        if service != SERVICE {
            return self.inner.build(service, user, modifiers);
        }
        Ok(Entry::new_with_credential(Arc::new(ChunkedEntry {
            inner: Arc::clone(&self.inner),
            modifiers: self.modifiers,
            user: user.to_owned(),
        })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// One secret.
#[derive(Debug)]
struct ChunkedEntry {
    inner: Arc<CredentialStore>,
    modifiers: &'static [(&'static str, &'static str)],
    user: String,
}

/// Where the parts of a secret are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    /// Which of two sets of names the parts have.
    set: u8,
    count: usize,
    /// The SHA-256 hash of the whole secret, in hexadecimal digits.
    hash: String,
}

impl Header {
    fn to_text(&self) -> String {
        format!("{MARK} {} {} {}", self.set, self.count, self.hash)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(bytes).ok()?.split(' ');
        if words.next() != Some(MARK) {
            return None;
        }
        let header = Self {
            set: words.next()?.parse().ok().filter(|set| *set < 2)?,
            count: words
                .next()?
                .parse()
                .ok()
                .filter(|count| *count <= MAX_PARTS)?,
            hash: words.next()?.to_owned(),
        };
        words.next().is_none().then_some(header)
    }
}

impl ChunkedEntry {
    fn entry(&self, user: &str) -> keyring_core::Result<Entry> {
        let modifiers: HashMap<_, _> = self.modifiers.iter().copied().collect();
        self.inner.build(SERVICE, user, Some(&modifiers))
    }

    fn header(&self) -> keyring_core::Result<Entry> {
        self.entry(&self.user)
    }

    fn part(&self, set: u8, number: usize) -> keyring_core::Result<Entry> {
        self.entry(&format!("{}#{set}#{number}", self.user))
    }

    /// Returns the secret; `None` if its parts do not belong together.
    fn read(&self, header: &Header) -> keyring_core::Result<Option<Vec<u8>>> {
        let mut secret = Zeroizing::new(Vec::with_capacity(header.count * PART_BYTES));
        for number in 0..header.count {
            match self.part(header.set, number)?.get_secret() {
                Ok(part) => secret.extend_from_slice(&Zeroizing::new(part)),
                Err(Error::NoEntry) => return Ok(None),
                Err(err) => return Err(err),
            }
        }
        let is_whole = sha256_hex(secret.as_slice()) == header.hash;
        Ok(is_whole.then(|| std::mem::take(&mut *secret)))
    }

    /// Removes the parts of a set from a number on, to the first that is missing; some of the first `count` may have been lost.
    fn remove(&self, set: u8, from: usize, count: usize) -> keyring_core::Result<()> {
        for number in from..=MAX_PARTS {
            match self.part(set, number)?.delete_credential() {
                Ok(()) => {}
                Err(Error::NoEntry) if number < count => {}
                Err(Error::NoEntry) => return Ok(()),
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }
}

impl CredentialApi for ChunkedEntry {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        if secret.len() > MAX_PARTS * PART_BYTES {
            let limit = u32::try_from(MAX_PARTS * PART_BYTES).unwrap_or(u32::MAX);
            return Err(Error::TooLong("secret".to_owned(), limit));
        }
        let header = self.header()?;
        let old = match header.get_secret() {
            Ok(bytes) => Header::parse(&bytes),
            Err(Error::NoEntry) => None,
            Err(err) => return Err(err),
        };
        let (set, old_count) = old.map_or((0, 0), |old| (1 - old.set, old.count));
        let parts = secret.chunks(PART_BYTES);
        let count = parts.len();
        for (number, part) in parts.enumerate() {
            self.part(set, number)?.set_secret(part)?;
        }
        let new = Header {
            set,
            count,
            hash: sha256_hex(secret),
        };
        header.set_secret(new.to_text().as_bytes())?;
        // The secret is stored; what cannot be removed now is overwritten by the next but one.
        let _ = self.remove(set, count, 0);
        let _ = self.remove(1 - set, 0, old_count);
        Ok(())
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        let mut bytes = self.header()?.get_secret()?;
        for _ in 0..READS {
            if let Some(header) = Header::parse(&bytes) {
                if let Some(secret) = self.read(&header)? {
                    return Ok(secret);
                }
            }
            let before = std::mem::replace(&mut bytes, self.header()?.get_secret()?);
            if before == bytes {
                break;
            }
        }
        // Not what a login looks like, so that its reader says that this is none.
        Ok(Vec::new())
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        let header = self.header()?;
        let found = Header::parse(&header.get_secret()?);
        header.delete_credential()?;
        for set in 0..2 {
            let own = found.as_ref().filter(|found| found.set == set);
            self.remove(set, 0, own.map_or(0, |found| found.count))?;
        }
        Ok(())
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((SERVICE.to_owned(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use keyring_core::mock;

    use super::*;

    const USER: &str = "https://mcp.example/ default";

    fn store() -> Arc<ChunkedStore> {
        ChunkedStore::new(mock::Store::new().expect("a store"), &[])
    }

    fn entry() -> ChunkedEntry {
        let entry = store().build(SERVICE, USER, None).expect("an entry");
        let ours: &ChunkedEntry = entry.as_any().downcast_ref().expect("one of ours");
        ChunkedEntry {
            inner: Arc::clone(&ours.inner),
            modifiers: ours.modifiers,
            user: ours.user.clone(),
        }
    }

    #[test]
    fn win2_entries_of_other_programs_are_as_they_are() {
        let store = store();
        let theirs = store.build("Codex MCP Credentials", USER, None);
        let theirs = theirs.expect("an entry");
        theirs.set_secret(b"theirs").expect("stored");
        let found = store.inner.build("Codex MCP Credentials", USER, None);
        assert_eq!(
            found.and_then(|it| it.get_secret()).expect("read"),
            b"theirs"
        );
    }

    fn secret(length: usize, first: u8) -> Vec<u8> {
        (0..length).map(|at| first.wrapping_add(at as u8)).collect()
    }

    #[test]
    fn win2_a_secret_of_any_length_comes_back() {
        let entry = entry();
        for length in [
            0,
            1,
            2_560,
            2_561,
            5_120,
            65_000,
            1_000,
            MAX_PARTS * PART_BYTES,
        ] {
            entry.set_secret(&secret(length, 3)).expect("stored");
            assert_eq!(
                entry.get_secret().expect("read"),
                secret(length, 3),
                "{length}"
            );
        }
        let too_long = secret(MAX_PARTS * PART_BYTES + 1, 0);
        assert!(matches!(
            entry.set_secret(&too_long),
            Err(Error::TooLong(..))
        ));
        entry.delete_credential().expect("deleted");
        assert!(matches!(entry.get_secret(), Err(Error::NoEntry)));
        assert!(matches!(
            entry.part(0, 0).expect("an entry").get_secret(),
            Err(Error::NoEntry)
        ));
        assert!(matches!(
            entry.part(1, 0).expect("an entry").get_secret(),
            Err(Error::NoEntry)
        ));
    }

    #[test]
    fn win2_a_torn_write_leaves_the_old_secret() {
        let entry = entry();
        let (old, new) = (secret(6_000, 1), secret(9_000, 2));
        entry.set_secret(&old).expect("stored");
        // Killed after each part, before the header.
        for (number, part) in new.chunks(PART_BYTES).enumerate() {
            entry
                .part(1, number)
                .and_then(|it| it.set_secret(part))
                .expect("a part");
            assert_eq!(entry.get_secret().expect("read"), old);
        }
        entry.set_secret(&secret(3_000, 4)).expect("stored");
        assert_eq!(entry.get_secret().expect("read"), secret(3_000, 4));
        let left = entry.part(1, 3).expect("an entry").get_secret();
        assert!(
            matches!(left, Err(Error::NoEntry)),
            "what the killed one left is gone"
        );
    }

    #[test]
    fn win2_nothing_is_left_of_a_secret_that_lacks_a_part() {
        for is_replaced in [true, false] {
            let entry = entry();
            entry.set_secret(&secret(9_000, 1)).expect("stored");
            let lost = entry.part(0, 1).and_then(|it| it.delete_credential());
            lost.expect("a part");
            match is_replaced {
                true => entry.set_secret(b"new"),
                false => entry.delete_credential(),
            }
            .expect("gone");
            for number in 0..4 {
                let left = entry.part(0, number).expect("an entry").get_secret();
                assert!(matches!(left, Err(Error::NoEntry)), "{number}");
            }
        }
    }

    #[test]
    fn win2_parts_that_do_not_belong_together_are_no_secret() {
        for damage in 0..4 {
            let entry = entry();
            entry.set_secret(&secret(6_000, 1)).expect("stored");
            let damaged = match damage {
                0 => entry.part(0, 1).and_then(|it| it.set_secret(b"other")),
                1 => entry.part(0, 2).and_then(|it| it.delete_credential()),
                2 => entry
                    .header()
                    .and_then(|it| it.set_secret(b"mcp-login-parts 0 1 00")),
                _ => entry.header().and_then(|it| it.set_secret(b"{}")),
            };
            damaged.expect("damaged");
            assert_eq!(entry.get_secret().expect("read"), b"", "{damage}");
            entry.set_secret(b"a new login").expect("stored");
            assert_eq!(entry.get_secret().expect("read"), b"a new login");
        }
    }
}
