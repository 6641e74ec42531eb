//! A lock by a Lease, as leader election does it: acquired, renewed, lost, taken over; never held twice.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::ground::{each, within};

const NAME: &str = "leader";
const SECONDS: i32 = 15;

/// Who wants to lead.
struct Candidate {
    leases: Api<Lease>,
    name: &'static str,
}

impl Candidate {
    fn new(client: &Client, name: &'static str) -> Candidate {
        Candidate { leases: Api::namespaced(client.clone(), "kube-system"), name }
    }

    /// The Lease with which it would lead; `None` while another does.
    fn claim(&self, seen: Option<Lease>, now: Timestamp) -> Option<Lease> {
        let mut lease = seen.unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
            spec: None,
        });
        let spec = lease.spec.take().unwrap_or_default();
        let until = spec.renew_time.as_ref().map(|time| time.0 + SignedDuration::from_secs(SECONDS.into()));
        let mine = spec.holder_identity.as_deref() == Some(self.name);
        if !mine && until.is_some_and(|until| now < until) {
            return None;
        }
        let transitions = spec.lease_transitions.unwrap_or(0);
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.name.to_owned()),
            lease_duration_seconds: Some(SECONDS),
            acquire_time: if mine { spec.acquire_time } else { Some(MicroTime(now)) },
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(if mine || until.is_none() { transitions } else { transitions + 1 }),
            ..LeaseSpec::default()
        });
        Some(lease)
    }

    /// Writes the claim. Whether it leads: another may have been quicker.
    async fn write(&self, claim: Lease) -> bool {
        let written = match claim.metadata.resource_version {
            None => self.leases.create(&PostParams::default(), &claim).await,
            Some(_) => self.leases.replace(NAME, &PostParams::default(), &claim).await,
        };
        match written {
            Ok(_) => true,
            Err(kube::Error::Api(status)) if status.code == 409 => false,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    async fn seen(&self) -> Option<Lease> {
        within("the Lease", self.leases.get_opt(NAME)).await.unwrap()
    }

    async fn leads(&self, now: Timestamp) -> bool {
        match self.claim(self.seen().await, now) {
            Some(claim) => self.write(claim).await,
            None => false,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_at_a_time() {
    each(async |ground| {
        use daytwo_engine::Clock as _;
        let clock = &ground.clock;
        let [one, two, three] = ["one", "two", "three"].map(|name| Candidate::new(&ground.client, name));

        // Acquired by one of two that saw nothing.
        let claims = [one.claim(one.seen().await, clock.now()), two.claim(two.seen().await, clock.now())];
        let [first, second] = claims.map(Option::unwrap);
        assert!(one.write(first).await);
        assert!(!two.write(second).await);

        // Renewed in time, it is not to be had.
        for _ in 0..3 {
            clock.forward(SignedDuration::from_secs(10));
            assert!(one.leads(clock.now()).await);
            assert!(!two.leads(clock.now()).await);
        }

        // Not renewed, it is taken over: once, though two claim it at the same moment.
        clock.forward(SignedDuration::from_secs(16));
        let claims = [two.claim(two.seen().await, clock.now()), three.claim(three.seen().await, clock.now())];
        let [second, third] = claims.map(Option::unwrap);
        let (second, third) = tokio::join!(two.write(second), three.write(third));
        assert!(second != third, "{second} {third}");
        assert!(!one.leads(clock.now()).await);
        let spec = one.seen().await.unwrap().spec.unwrap();
        assert_eq!(spec.lease_transitions, Some(1));
        // Microseconds are kept, as a Lease has them.
        clock.forward(SignedDuration::from_micros(1_234_567));
        let leader = if second { &two } else { &three };
        assert!(leader.leads(clock.now()).await);
        assert_eq!(one.seen().await.unwrap().spec.unwrap().renew_time, Some(MicroTime(clock.now())));
    })
    .await;
}
