//! Hashes and unique names, and the hexadecimal digits in which they are written.

use ring::digest::{digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};

/// Returns the SHA-256 hash of some bytes.
///
/// Spec: FIPS 180-4.
pub fn sha256(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    digest(&SHA256, bytes.as_ref()).as_ref().to_vec()
}

/// Returns the SHA-256 hash of some bytes in hexadecimal digits.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&sha256(bytes), usize::MAX)
}

/// Returns the SHA-1 hash of some bytes: only for file names that other programs choose by it.
pub fn sha1(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes.as_ref())
        .as_ref()
        .to_vec()
}

/// Returns the first `length` bytes in lower-case hexadecimal digits, or all if there are fewer.
pub fn hex(bytes: &[u8], length: usize) -> String {
    bytes
        .iter()
        .take(length)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Returns random hexadecimal digits: names that nobody has used before, and no secrets.
pub fn unique() -> String {
    let mut bytes = [0; 16];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => hex(&bytes, usize::MAX),
        Err(_) => {
            let time = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
            hex(&sha256(format!("{} {time:?}", std::process::id())), 16)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_the_standards_example() {
        let all = usize::MAX;
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&sha256("abc"), all), expected);
        assert_eq!(hex(&sha256("abc"), 4), &expected[..8]);
        assert_eq!(
            hex(&sha1("abc"), all),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
    }
}
