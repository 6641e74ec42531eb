//! One member, asked over gRPC. Refuses to wait longer than the deadline it was made with.

use std::time::Duration;

use bytes::Bytes;
use daytwo_core::etcd::{Alarm, AlarmKind, Id};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Streaming};

use super::access::Access;
use super::error::EtcdError;
use super::generated::alarm_request::AlarmAction;
use super::generated::auth_client::AuthClient;
use super::generated::cluster_client::ClusterClient;
use super::generated::kv_client::KvClient;
use super::generated::maintenance_client::MaintenanceClient;
use super::generated::{
    AlarmRequest, AlarmType, AuthenticateRequest, DefragmentRequest, Member, MemberListRequest,
    MoveLeaderRequest, RangeRequest, RangeResponse, SnapshotRequest, SnapshotResponse, StatusRequest,
    StatusResponse,
};

/// A connection to one endpoint.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
    deadline: Duration,
}

impl Client {
    /// Connects to `endpoint`, and logs in where `access` has a user.
    ///
    /// # Errors
    /// [`EtcdError::Invalid`] for what cannot be used, [`EtcdError::Unavailable`] where nobody answers,
    /// [`EtcdError::Denied`] for a wrong password.
    pub async fn connect(access: &Access, endpoint: &str) -> Result<Self, EtcdError> {
        let url = access.url(endpoint);
        let connecting = access.endpoint(&url)?.connect_lazy();
        let mut client = Self { url, channel: connecting, token: None, deadline: access.deadline };
        if let Some(login) = &access.login {
            let request = AuthenticateRequest { name: login.name.clone(), password: login.password.clone() };
            let mut auth = AuthClient::new(client.channel.clone());
            let answer = client.within("a login", auth.authenticate(request)).await?;
            let token = answer.token.parse().map_err(|_| EtcdError::Denied {
                endpoint: client.url.clone(),
                what: "a login",
                why: "its token cannot stand in a header".to_owned(),
            })?;
            client.token = Some(token);
        }
        Ok(client)
    }

    /// The endpoint, with its scheme.
    pub fn endpoint(&self) -> &str {
        &self.url
    }

    /// What the member says of itself.
    pub(super) async fn status(&self) -> Result<StatusResponse, EtcdError> {
        let mut maintenance = MaintenanceClient::new(self.channel.clone());
        self.within("for its status", maintenance.status(self.ask(StatusRequest {}))).await
    }

    /// Members as this one knows them, without a quorum.
    pub(super) async fn members(&self) -> Result<Vec<Member>, EtcdError> {
        let request = self.ask(MemberListRequest { linearizable: false });
        let mut cluster = ClusterClient::new(self.channel.clone());
        Ok(self.within("for its members", cluster.member_list(request)).await?.members)
    }

    /// Alarms that are raised. Needs a quorum.
    pub(super) async fn alarms(&self) -> Result<Vec<Alarm>, EtcdError> {
        let request =
            AlarmRequest { action: AlarmAction::Get.into(), member_id: 0, alarm: AlarmType::None.into() };
        let mut maintenance = MaintenanceClient::new(self.channel.clone());
        let answer = self.within("for its alarms", maintenance.alarm(self.ask(request))).await?;
        Ok(answer.alarms.iter().filter_map(|raised| alarm(raised.member_id, raised.alarm)).collect())
    }

    /// Takes `alarm` back; nothing to do where it is not raised. Needs a quorum.
    ///
    /// # Errors
    /// [`EtcdError`].
    pub async fn disarm(&self, alarm: Alarm) -> Result<(), EtcdError> {
        let kind = match alarm.alarm {
            AlarmKind::NoSpace => AlarmType::Nospace,
            AlarmKind::Corrupt => AlarmType::Corrupt,
        };
        let action = AlarmAction::Deactivate.into();
        let request = AlarmRequest { action, member_id: alarm.member.0, alarm: kind.into() };
        let mut maintenance = MaintenanceClient::new(self.channel.clone());
        self.within("to take an alarm back", maintenance.alarm(self.ask(request))).await.map(drop)
    }

    /// Has the member rewrite its database. It answers nothing else until that is done.
    ///
    /// # Errors
    /// [`EtcdError`]; after [`EtcdError::Unavailable`] it may be at it still.
    pub async fn defragment(&self, deadline: Duration) -> Result<(), EtcdError> {
        let mut maintenance = MaintenanceClient::new(self.channel.clone());
        let call = maintenance.defragment(self.ask(DefragmentRequest {}));
        self.until(deadline, "to be defragmented", call).await.map(drop)
    }

    /// Has the member, which must lead, hand the lead to `to`.
    ///
    /// # Errors
    /// [`EtcdError::Refused`] where it does not lead or `to` cannot.
    pub async fn move_leader(&self, to: Id) -> Result<(), EtcdError> {
        let mut maintenance = MaintenanceClient::new(self.channel.clone());
        let call = maintenance.move_leader(self.ask(MoveLeaderRequest { target_id: to.0 }));
        self.within("to hand the lead over", call).await.map(drop)
    }

    /// Reads with a quorum, as `etcdctl endpoint health` does (the key `health`). That the caller may not read it is
    /// as good: the quorum was asked first.
    pub(super) async fn read(&self) -> Result<(), EtcdError> {
        match self.range(RangeRequest { key: Bytes::from_static(b"health"), ..RangeRequest::default() }).await
        {
            Ok(_) | Err(EtcdError::Denied { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether there is a key, as this member knows, without a quorum.
    pub(super) async fn has(&self, key: &str) -> Result<bool, EtcdError> {
        let request = RangeRequest {
            key: Bytes::copy_from_slice(key.as_bytes()),
            serializable: true,
            count_only: true,
            ..RangeRequest::default()
        };
        Ok(self.range(request).await?.count > 0)
    }

    async fn range(&self, request: RangeRequest) -> Result<RangeResponse, EtcdError> {
        let mut kv = KvClient::new(self.channel.clone());
        self.within("a read", kv.range(self.ask(request))).await
    }

    /// Begins a snapshot. Each message that follows must arrive within the deadline.
    pub(super) async fn snapshot(&self) -> Result<Streaming<SnapshotResponse>, EtcdError> {
        let mut maintenance = MaintenanceClient::new(self.channel.clone());
        self.within("for a snapshot", maintenance.snapshot(self.ask(SnapshotRequest {}))).await
    }

    /// The next message of a snapshot; `None` at its end.
    pub(super) async fn next(
        &self,
        stream: &mut Streaming<SnapshotResponse>,
    ) -> Result<Option<SnapshotResponse>, EtcdError> {
        let what = "with the rest of its snapshot";
        match tokio::time::timeout(self.deadline, stream.message()).await {
            Ok(message) => message.map_err(|status| EtcdError::of(&self.url, what, &status)),
            Err(_) => Err(EtcdError::late(&self.url, what, self.deadline)),
        }
    }

    /// `message` with the token of whoever logged in (metadata `token`, rpctypes.TokenFieldNameGRPC).
    fn ask<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("token", token.clone());
        }
        request
    }

    async fn within<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<Response<T>, tonic::Status>>,
    ) -> Result<T, EtcdError> {
        self.until(self.deadline, what, call).await
    }

    async fn until<T>(
        &self,
        deadline: Duration,
        what: &'static str,
        call: impl Future<Output = Result<Response<T>, tonic::Status>>,
    ) -> Result<T, EtcdError> {
        match tokio::time::timeout(deadline, call).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(EtcdError::of(&self.url, what, &status)),
            Err(_) => Err(EtcdError::late(&self.url, what, deadline)),
        }
    }
}

/// An alarm in the core's terms; `None` for one that is none, or of a newer etcd.
pub(super) fn alarm(member: u64, kind: i32) -> Option<Alarm> {
    let alarm = match AlarmType::try_from(kind).ok()? {
        AlarmType::None => return None,
        AlarmType::Nospace => AlarmKind::NoSpace,
        AlarmType::Corrupt => AlarmKind::Corrupt,
    };
    Some(Alarm { member: Id(member), alarm })
}
