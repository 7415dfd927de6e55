//! The real engine on a simulated disk, network and clock.
