"""A delivery that is sent, failed, cancelled or empty stays so: a trigger refuses to move it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION newsletter_refuse_state_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'delivery % is %, which is final', OLD.id, OLD.state
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER delivery_terminal_states_stay BEFORE UPDATE OF state ON newsletter_delivery
  FOR EACH ROW
  WHEN (OLD.state IN ('sent', 'failed', 'cancelled', 'empty') AND NEW.state <> OLD.state)
  EXECUTE FUNCTION newsletter_refuse_state_change();
"""
BACKWARD = """
DROP TRIGGER delivery_terminal_states_stay ON newsletter_delivery;
DROP FUNCTION newsletter_refuse_state_change();
"""


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
