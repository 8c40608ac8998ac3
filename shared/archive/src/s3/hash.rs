//! SHA-256 and HMAC for the signatures of requests, by the crates that the workspace hashes with
//! anyway.

use hmac::{Hmac, KeyInit, Mac};
use object_store::client::{
    CryptoProvider, DigestAlgorithm, DigestContext, HmacContext, Signer, SigningAlgorithm,
};
use object_store::{Error, Result};
use sha2::{Digest, Sha256};

/// The provider.
#[derive(Debug)]
pub(super) struct Hashes;

impl CryptoProvider for Hashes {
    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>> {
        match algorithm {
            DigestAlgorithm::Sha256 => {
                Ok(Box::new(Running { state: Some(Sha256::new()), output: Vec::new() }))
            }
            _ => Err(unsupported("a digest other than SHA-256")),
        }
    }

    fn hmac(&self, algorithm: DigestAlgorithm, secret: &[u8]) -> Result<Box<dyn HmacContext>> {
        match algorithm {
            DigestAlgorithm::Sha256 => {
                let state = Hmac::<Sha256>::new_from_slice(secret)
                    .map_err(|error| unsupported(&error.to_string()))?;
                Ok(Box::new(Running { state: Some(state), output: Vec::new() }))
            }
            _ => Err(unsupported("an HMAC other than SHA-256")),
        }
    }

    fn sign(&self, _algorithm: SigningAlgorithm, _pem: &[u8]) -> Result<Box<dyn Signer>> {
        Err(unsupported("an RSA signature, which S3 does not ask for"))
    }
}

fn unsupported(what: &str) -> Error {
    Error::NotSupported { source: what.into() }
}

/// A hash that has not been finished, and what it was once it is.
struct Running<S> {
    state: Option<S>,
    output: Vec<u8>,
}

impl<S> Running<S> {
    /// The result; the same one when asked again.
    fn result(&mut self, finish: impl FnOnce(S) -> Vec<u8>) -> &[u8] {
        if let Some(state) = self.state.take() {
            self.output = finish(state);
        }
        &self.output
    }
}

impl DigestContext for Running<Sha256> {
    fn update(&mut self, data: &[u8]) {
        if let Some(state) = &mut self.state {
            Digest::update(state, data);
        }
    }

    fn finish(&mut self) -> Result<&[u8]> {
        Ok(self.result(|state| state.finalize().to_vec()))
    }
}

impl HmacContext for Running<Hmac<Sha256>> {
    fn update(&mut self, data: &[u8]) {
        if let Some(state) = &mut self.state {
            Mac::update(state, data);
        }
    }

    fn finish(&mut self) -> Result<&[u8]> {
        Ok(self.result(|state| state.finalize().into_bytes().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn digest_and_hmac_are_those_of_the_standards() {
        // FIPS 180-2 appendix B.1; RFC 4231, test case 2.
        let mut digest = Hashes.digest(DigestAlgorithm::Sha256).unwrap();
        digest.update(b"a");
        digest.update(b"bc");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for _ in 0..2 {
            assert_eq!(hex(digest.finish().unwrap()), expected);
        }
        let mut hmac = Hashes.hmac(DigestAlgorithm::Sha256, b"Jefe").unwrap();
        hmac.update(b"what do ya want ");
        hmac.update(b"for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(hmac.finish().unwrap()), expected);
    }
}
