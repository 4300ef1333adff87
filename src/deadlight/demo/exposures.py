"""What the demonstration's images expose beside vulnerable packages. Every secret here is made up."""

_PASSWORD = "Kv7-Trm2zQ9w"  # noqa: S105 - made up

CART = (
    (
        "/app/cart/settings.py",
        b"""DEBUG = True
ALLOWED_HOSTS = ['*']
INSTALLED_APPS = ['cart']
ROOT_URLCONF = 'cart.urls'
SESSION_COOKIE_SECURE = False
""",
    ),
    ("/app/.env", f"DATABASE_URL=postgresql://cart:{_PASSWORD}@db.company.demo/cart\n".encode()),
    (
        "/app/deploy/main.tf",
        b'resource "aws_s3_bucket" "receipts" {\n  bucket = "cart-receipts"\n  acl    = "public-read"\n}\n',
    ),
)
"""Django's settings of a developer, a password, and Terraform that makes receipts public."""

STOREFRONT = (
    (
        "/etc/nginx/conf.d/storefront.conf",
        b"""server {
  listen 443 ssl;
  server_name company.demo;
  ssl_certificate /etc/nginx/company.crt;
  ssl_certificate_key /etc/nginx/company.key;
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2;
  location /downloads/ {
    autoindex on;
  }
}
""",
    ),
    ("/etc/nginx/nginx.conf", b"events {}\nhttp {\n  include /etc/nginx/conf.d/*.conf;\n}\n"),
)
"""Old TLS and a folder that lists itself."""
