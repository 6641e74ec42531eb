//! Certificates for servers and users of the testbed, from authorities that live as long as it does.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

use crate::nest::write_private;

/// An authority that signs certificates for the testbed.
#[derive(Debug)]
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, both PEM.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub cert: String,
    pub key: String,
}

/// Where a pair was written.
#[derive(Debug, Clone)]
pub(crate) struct PairFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Ca {
    /// A new authority.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn new(name: &str) -> Result<Ca> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("cannot make a key")?;
        let pem = params.self_signed(&key).context("cannot sign an authority")?.pem();
        Ok(Ca { issuer: Issuer::new(params, key), pem })
    }

    /// Its own certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its key, PEM: for what signs in its name.
    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// For a server at these names and addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Result<Pair> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).context("not a host name")?;
        params.distinguished_name = subject("server", &[])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// For a user: Kubernetes reads the name from CN and the groups from O.
    pub(crate) fn client(&self, user: &str, groups: &[&str]) -> Result<Pair> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(user, groups)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Pair> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("cannot make a key")?;
        let cert = params.signed_by(&key, &self.issuer).context("cannot sign a certificate")?;
        Ok(Pair { cert: cert.pem(), key: key.serialize_pem() })
    }
}

impl Pair {
    /// Writes `<name>.crt` and `<name>.key`.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> Result<PairFiles> {
        let files =
            PairFiles { cert: folder.join(format!("{name}.crt")), key: folder.join(format!("{name}.key")) };
        write_private(&files.cert, &self.cert)?;
        write_private(&files.key, &self.key)?;
        Ok(files)
    }
}

/// rcgen holds one value per type, so the second group goes in by the number of the same type.
fn subject(name: &str, groups: &[&str]) -> Result<DistinguishedName> {
    const ORGANIZATION: [u64; 4] = [2, 5, 4, 10];
    if groups.len() > 2 {
        bail!("a certificate of the testbed holds at most two groups, not {groups:?}");
    }
    let mut subject = DistinguishedName::new();
    let types = [DnType::OrganizationName, DnType::CustomDnType(ORGANIZATION.to_vec())];
    for (group, kind) in groups.iter().zip(types) {
        subject.push(kind, *group);
    }
    subject.push(DnType::CommonName, name);
    Ok(subject)
}
