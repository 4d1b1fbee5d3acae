//! How secrets are encrypted between this process and the keyring's service, so that whoever watches the bus sees none.
//!
//! Spec: Secret Service API draft 0.2, section 7.2 (`dh-ietf1024-sha256-aes128-cbc-pkcs7`), RFC 2409 section 6.2, RFC 5869.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::Aes128;
use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams as _};
use crypto_bigint::{const_monty_params, U1024, U192};
use ring::hkdf::{Salt, HKDF_SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

/// The name of this in the Secret Service API.
pub(crate) const ALGORITHM: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";

const_monty_params!(
    SecondOakleyGroup,
    U1024,
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
     020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
     4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
     EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    "The prime of the second Oakley group; powers in it take the same time for every exponent of one size."
);
type Element = ConstMontyForm<SecondOakleyGroup, { U1024::LIMBS }>;

const GENERATOR: U1024 = U1024::from_u8(2);
const PRIME_BYTES: usize = U1024::BYTES;

/// More than twice the strength of the group, which is 80 bits: a longer exponent costs time and is no harder to find.
///
/// Spec: NIST SP 800-57 part 1, table 2.
const PRIVATE_BYTES: usize = U192::BYTES;

const BLOCK_BYTES: usize = 16;

/// A key pair for one key agreement.
pub(crate) struct KeyPair {
    private: Zeroizing<U192>,
    /// The public key, which the other side gets.
    pub(crate) public: Vec<u8>,
}

impl KeyPair {
    /// Returns a new one; `None` if the system has no random numbers.
    pub(crate) fn new() -> Option<Self> {
        loop {
            let mut random = Zeroizing::new([0; PRIVATE_BYTES]);
            fill(random.as_mut_slice())?;
            let private = Zeroizing::new(U192::from_be_slice(random.as_slice()));
            let public = power(&GENERATOR, &private);
            if is_plain(public.as_slice()) {
                return Some(Self {
                    private,
                    public: public.to_vec(),
                });
            }
        }
    }

    /// Agrees on a key with the owner of this public key. `None` if anybody can guess that key, or if the owner may compute
    /// another one.
    pub(crate) fn agree(&self, theirs: &[u8]) -> Option<Cipher> {
        let (zeros, theirs) = theirs.split_at_checked(theirs.len().checked_sub(PRIME_BYTES)?)?;
        let theirs = U1024::from_be_slice(theirs);
        let last = SecondOakleyGroup::PARAMS
            .modulus()
            .as_ref()
            .wrapping_sub(&U1024::ONE);
        let guessable = theirs <= U1024::ONE || theirs >= last;
        if guessable || zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        let shared = power(&theirs, &self.private);
        if shared.first() == Some(&0) {
            return None;
        }
        let mut key = Zeroizing::new([0; BLOCK_BYTES]);
        let secret = Salt::new(HKDF_SHA256, &[]).extract(shared.as_slice());
        secret
            .expand(&[], BlockKey)
            .ok()?
            .fill(key.as_mut_slice())
            .ok()?;
        Some(Cipher { key })
    }
}

/// The length of a key, as [`ring::hkdf`] asks for it.
struct BlockKey;

impl ring::hkdf::KeyType for BlockKey {
    fn len(&self) -> usize {
        BLOCK_BYTES
    }
}

/// Fills this with random bytes; `None` if the system has none.
fn fill(bytes: &mut [u8]) -> Option<()> {
    SystemRandom::new().fill(bytes).ok()
}

fn power(base: &U1024, exponent: &U192) -> Zeroizing<[u8; PRIME_BYTES]> {
    let result = Zeroizing::new(Element::new(base).pow(exponent).retrieve());
    let mut bytes = Zeroizing::new([0; PRIME_BYTES]);
    bytes.copy_from_slice(result.to_be_bytes().as_ref());
    bytes
}

/// Tells whether all services read this number alike. KWallet refuses a short one, reads one that begins with the bit 1 as
/// negative, and shortens such a one of its own; where the common number begins with zeros, KWallet and KeePassXC leave
/// them out, GNOME Keyring does not.
fn is_plain(number: &[u8]) -> bool {
    !matches!(number.first(), None | Some(0 | 0xff))
}

/// The key of one connection.
pub(crate) struct Cipher {
    key: Zeroizing<[u8; BLOCK_BYTES]>,
}

impl Cipher {
    /// Returns the parameter that decryption needs, and the secret encrypted; `None` if the system has no random numbers.
    pub(crate) fn encrypt(&self, secret: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut start = [0; BLOCK_BYTES];
        fill(&mut start)?;
        let encryptor = cbc::Encryptor::<Aes128>::new((&*self.key).into(), &start.into());
        Some((
            start.to_vec(),
            encryptor.encrypt_padded_vec::<Pkcs7>(secret),
        ))
    }

    /// Returns the secret; `None` if this is not one that was encrypted with this key.
    pub(crate) fn decrypt(&self, start: &[u8], encrypted: &[u8]) -> Option<Vec<u8>> {
        let decryptor =
            cbc::Decryptor::<Aes128>::new_from_slices(self.key.as_slice(), start).ok()?;
        decryptor.decrypt_padded_vec::<Pkcs7>(encrypted).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a key pair that agrees with this one: one in 256 does not.
    fn partner(ours: &KeyPair) -> KeyPair {
        std::iter::repeat_with(|| KeyPair::new().unwrap())
            .find(|theirs| ours.agree(&theirs.public).is_some())
            .unwrap()
    }

    #[test]
    fn both_sides_get_the_same_key() {
        let ours = KeyPair::new().unwrap();
        let theirs = partner(&ours);
        let ciphers = (
            ours.agree(&theirs.public).unwrap(),
            theirs.agree(&ours.public).unwrap(),
        );
        for secret in [&b""[..], b"a", &[7; 16], &[9; 20_000]] {
            let (start, encrypted) = ciphers.0.encrypt(secret).unwrap();
            assert_eq!(encrypted.len(), (secret.len() / 16 + 1) * 16);
            assert_eq!(ciphers.1.decrypt(&start, &encrypted).unwrap(), secret);
            assert_ne!(
                ciphers.0.encrypt(secret).unwrap().1,
                encrypted,
                "the same twice"
            );
        }
    }

    #[test]
    fn other_secrets_and_unsafe_keys_are_refused() {
        let ours = KeyPair::new().unwrap();
        let cipher = ours.agree(&partner(&ours).public).unwrap();
        let (start, encrypted) = cipher.encrypt(b"secret").unwrap();
        assert_eq!(cipher.decrypt(&start[1..], &encrypted), None);
        assert_eq!(cipher.decrypt(&start, &encrypted[1..]), None);
        assert_eq!(cipher.decrypt(&start, b""), None);
        let prime = *SecondOakleyGroup::PARAMS.modulus().as_ref();
        let [last, prime] =
            [prime.wrapping_sub(&U1024::ONE), prime].map(|it| it.to_be_bytes().as_ref().to_vec());
        let one = [vec![0; PRIME_BYTES - 1], vec![1]].concat();
        let long = [vec![1], vec![7; PRIME_BYTES]].concat();
        for guessable in [
            vec![],
            vec![0],
            vec![1],
            one,
            last,
            prime,
            vec![0xff; 200],
            long,
        ] {
            assert!(ours.agree(&guessable).is_none(), "{guessable:?}");
        }
    }

    #[test]
    fn every_service_computes_the_same_key() {
        assert!(
            (0..600).all(|_| is_plain(&KeyPair::new().unwrap().public)),
            "a public key that services read differently"
        );
        // With this private key the common number is the public key of the other side.
        let identity = KeyPair {
            private: Zeroizing::new(U192::ONE),
            public: Vec::new(),
        };
        assert!(identity.agree(&[7; PRIME_BYTES]).is_some());
        let mut short = [7; PRIME_BYTES];
        short[0] = 0;
        assert!(
            identity.agree(&short).is_none(),
            "the common number begins with a zero"
        );
        assert!(
            KeyPair::new().unwrap().agree(&short[1..]).is_none(),
            "a public key that was shortened"
        );
    }
}
