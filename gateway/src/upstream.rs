//! The port to the services behind the gateway, and which path leads to which of them.

use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

use crate::config_errors::ConfigMistake;

/// A gRPC server: one in the same process, or a client of one elsewhere. It is cloned for every call, so a clone must be cheap.
pub type Upstream = BoxCloneSyncService<http::Request<tonic::body::Body>, http::Response<tonic::body::Body>, BoxError>;

/// Makes an [`Upstream`] of any tower service that speaks gRPC, such as `tonic::service::Routes` or a generated server.
pub fn upstream<S>(service: S) -> Upstream
where
    S: Service<http::Request<tonic::body::Body>, Response = http::Response<tonic::body::Body>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
{
    BoxCloneSyncService::new(service.map_err(Into::into))
}

/// Upstreams by path prefix.
#[derive(Default)]
pub(crate) struct Routes {
    by_prefix: Vec<(String, Upstream)>,
}

impl Routes {
    pub(crate) fn add(&mut self, prefix: String, upstream: Upstream) {
        self.by_prefix.push((prefix, upstream));
    }

    /// The upstream of the longest prefix of `path`.
    pub(crate) fn find(&self, path: &str) -> Option<&Upstream> {
        self.by_prefix
            .iter()
            .filter(|(prefix, _)| path.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, upstream)| upstream)
    }

    pub(crate) fn mistakes(&self) -> Vec<ConfigMistake> {
        let mut mistakes = Vec::new();
        for (index, (prefix, _)) in self.by_prefix.iter().enumerate() {
            let option = format!("route {prefix:?}");
            if !prefix.starts_with('/') {
                mistakes.push(ConfigMistake::new(&option, "must begin with /"));
            }
            if self.by_prefix[..index].iter().any(|(earlier, _)| earlier == prefix) {
                mistakes.push(ConfigMistake::new(&option, "is given twice"));
            }
        }
        mistakes
    }
}

#[cfg(test)]
mod tests {
    use tonic::body::Body;

    use super::*;

    fn answering(status: u16) -> Upstream {
        upstream(tower::service_fn(move |_| async move {
            let mut response = http::Response::new(Body::empty());
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            Ok::<_, std::convert::Infallible>(response)
        }))
    }

    #[tokio::test]
    async fn the_longest_prefix_wins_whatever_the_order() {
        let mut routes = Routes::default();
        routes.add("/shop.".into(), answering(201));
        routes.add("/shop.order.v1.".into(), answering(202));
        routes.add("/shop.order.".into(), answering(203));

        for (path, status) in
            [("/shop.order.v1.Orders/Get", 202), ("/shop.order.v2.Orders/Get", 203), ("/shop.item.v1.Items/Get", 201)]
        {
            let found = routes.find(path).unwrap().clone();
            let answer = found.oneshot(http::Request::new(Body::empty())).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
        assert!(routes.find("/other.v1.Things/Get").is_none());
    }

    #[test]
    fn prefixes_are_checked() {
        let mut routes = Routes::default();
        for prefix in ["/a.", "b.", "/a."] {
            routes.add(prefix.into(), answering(200));
        }
        let mistakes: Vec<_> = routes.mistakes().iter().map(ToString::to_string).collect();
        assert_eq!(mistakes, ["route \"b.\": must begin with /", "route \"/a.\": is given twice"]);
    }
}
