//! The certificates of `/etc/kubernetes/pki`, as far as etcd needs them.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// etcd's authority, shared by all hosts.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    shared: [(String, String); 2],
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let account = KeyPair::generate().unwrap();
        let shared =
            [("sa.key".into(), account.serialize_pem()), ("sa.pub".into(), account.public_key_pem())];
        Self { issuer: Issuer::new(params, key), pem, shared }
    }

    /// Fills `pki` for the host at `address`.
    pub fn write(&self, pki: &Path, address: &str) {
        let etcd = pki.join("etcd");
        fs::create_dir_all(&etcd).unwrap();
        fs::write(etcd.join("ca.crt"), &self.pem).unwrap();
        fs::write(pki.join("ca.crt"), &self.pem).unwrap();
        for (name, text) in &self.shared {
            fs::write(pki.join(name), text).unwrap();
        }
        for name in ["server", "peer", "healthcheck-client"] {
            let mut params =
                CertificateParams::new(vec![address.to_owned(), "localhost".to_owned()]).unwrap();
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            let key = KeyPair::generate().unwrap();
            fs::write(etcd.join(format!("{name}.crt")), params.signed_by(&key, &self.issuer).unwrap().pem())
                .unwrap();
            fs::write(etcd.join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
    }
}
