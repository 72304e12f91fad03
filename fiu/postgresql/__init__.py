"""PostgreSQL under row-level security (FIU_RLS=1): Django's backend with our cursor."""
