"""Files out of dossiers: values in, bytes out. The same dossier gives the same bytes."""
