"""What every suite uses: people, servers, browsers, offers, datagrams."""
