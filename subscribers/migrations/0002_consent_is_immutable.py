"""Consent is proof: a trigger refuses to change or delete it (GDPR art. 7(1))."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION subscribers_refuse_consent_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('paper_round.erase', true) = 'on' THEN
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  RAISE EXCEPTION 'a consent event is never changed or deleted (consent event %)', OLD.id
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER consent_is_immutable BEFORE UPDATE OR DELETE ON subscribers_consentevent
  FOR EACH ROW EXECUTE FUNCTION subscribers_refuse_consent_change();
"""
BACKWARD = """
DROP TRIGGER consent_is_immutable ON subscribers_consentevent;
DROP FUNCTION subscribers_refuse_consent_change();
"""


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
