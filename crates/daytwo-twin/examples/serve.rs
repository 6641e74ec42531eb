//! Serves an empty cluster until it is ended: `cargo run -p daytwo-twin --example serve -- 127.0.0.1:0 kubeconfig`.
#![expect(clippy::print_stdout, reason = "an example speaks")]

use std::sync::Arc;

use daytwo_engine::Clock;
use daytwo_twin::Twin;

struct Now;

impl Clock for Now {
    fn now(&self) -> jiff::Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place where the example reads the time")]
        jiff::Timestamp::now()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:0".to_owned()).parse()?;
    let serving =
        Twin::empty(Arc::new(Now))?.serve(address, *b"an example needs no secret, only a token").await?;
    if let Some(file) = args.next() {
        std::fs::write(file, serving.kubeconfig())?;
    }
    println!("{}", serving.url());
    tokio::signal::ctrl_c().await?;
    serving.end().await;
    Ok(())
}
