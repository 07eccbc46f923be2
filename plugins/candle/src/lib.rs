//! The candle backend as a plugin, on a thread pool of its own.

use mda_backend_candle::CandleBackend;
use mda_plugin::guest::Host;

mda_plugin::export_backend!(|host| backend(host));

/// The backend, after starting as many threads as the host asks for.
fn backend(host: Host) -> CandleBackend {
    if let Some(threads) = host.threads {
        // An error means that the pool runs already, since the plugin was loaded before: it stays as it is.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global();
    }
    CandleBackend::new()
}
