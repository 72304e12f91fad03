"""Sign-in at the organisation's own OpenID Connect provider, for people of the house (S2).

Off unless FIU_OIDC_ISSUER names one: then allauth's social accounts are installed, and the
addresses of `urls.py` exist. Nobody is registered by it, and nothing but who it is comes from
outside: no role, no name, no right. `factor.py` is loaded always, the rest only where it is on.
"""
