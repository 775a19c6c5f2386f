use iroh::{endpoint::presets, RelayMode};

/// `Minimal`: neither address lookup nor relays that nobody asked for.
async fn endpoint(relay: Option<RelayUrl>) -> Result<Endpoint> {
    let relays = relay.map_or(RelayMode::Disabled, |url| RelayMode::custom([url]));
    Ok(Endpoint::builder(presets::Minimal).relay_mode(relays).alpns(vec![ALPN.to_vec()]).bind().await?)
}

include!("../original.rs");
