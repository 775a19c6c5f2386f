use iroh::RelayMode;

/// The original's own version. `empty_builder`: neither discovery nor relays that nobody asked for.
async fn endpoint(relay: Option<RelayUrl>) -> Result<Endpoint> {
    let relays = relay.map_or(RelayMode::Disabled, |url| RelayMode::Custom(url.into()));
    Ok(Endpoint::empty_builder(relays).alpns(vec![ALPN.to_vec()]).bind().await?)
}

include!("../original.rs");
