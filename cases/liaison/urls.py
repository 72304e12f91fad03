"""Every address of the liaison door; mounted under a prefix with a session cookie of its own."""

from cases.liaison import lists, releases, requests

urlpatterns = [*releases.urlpatterns, *requests.urlpatterns, *lists.urlpatterns]
