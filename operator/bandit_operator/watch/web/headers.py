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
    # Of several proxies the first one in the list is the one that the browser spoke to.
    first, _, _ = request.headers.get("X-Forwarded-Proto", "").partition(",")
    return request.secure or first.strip().lower() == "https"


def from_own_page(request: web.Request) -> bool:
    """Whether a form was sent by a page of ours; what is no browser sends neither header."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or _netloc(origin) == request.headers.get("Host")


def own_path(text: str) -> str:
    """Where to go after signing in: a path of ours, or the list."""
    plain = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if plain and _netloc(text) == "" else "/"


def _netloc(text: str) -> str | None:
    """Whom an address leads to, empty where it says nobody; None where it is none."""
    try:
        return urlsplit(text).netloc
    except ValueError:  # of brackets that hold no address
        return None


def keep_token(request: web.Request, answer: web.StreamResponse, token: str) -> None:
    """Put the token where no script and no other site gets at it, until the browser is closed."""
    answer.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=encrypted(request), path="/")
