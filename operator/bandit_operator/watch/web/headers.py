"""What a browser is told and believed: headers of every answer, and what a request carries."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

COOKIE = "bandit-operator-token"
ALWAYS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def token_of(request: web.Request) -> str:
    """The bearer token of a request, else that of its cookie; empty where it has neither."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")


def encrypted(request: web.Request) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy before us."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def from_own_page(request: web.Request) -> bool:
    """Whether a form was sent by a page of ours; what is no browser sends neither header."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def own_path(text: str) -> str:
    """Where to go after signing in: a path of ours, or the list."""
    parts = urlsplit(text)
    plain = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if plain and not parts.scheme and not parts.netloc else "/"


def keep_token(request: web.Request, answer: web.StreamResponse, token: str) -> None:
    """Put the token where no script and no other site gets at it, until the browser is closed."""
    answer.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=encrypted(request), path="/")
