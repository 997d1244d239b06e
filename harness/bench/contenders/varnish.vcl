vcl 4.1;

# What the origin says decides, as for the other proxies.
backend origin {
  .host = "127.0.0.1";
  .port = "{origin}";
}
