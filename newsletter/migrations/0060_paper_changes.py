"""A log of papers that changed, written by the database; search keeps no blocks in it any more."""

from django.db import migrations, models

NOTE = """
CREATE FUNCTION newsletter_note_papers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO newsletter_paperchange (paper_id, transaction, at)
  SELECT id, pg_current_xact_id()::text::bigint, now() FROM changed;
  RETURN NULL;
END $$;
CREATE FUNCTION newsletter_note_truncation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO newsletter_paperchange (paper_id, transaction, at)
  VALUES (NULL, pg_current_xact_id()::text::bigint, now());
  RETURN NULL;
END $$;
CREATE TRIGGER newsletter_paper_inserted AFTER INSERT ON newsletter_paper
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION newsletter_note_papers();
CREATE TRIGGER newsletter_paper_updated AFTER UPDATE ON newsletter_paper
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION newsletter_note_papers();
CREATE TRIGGER newsletter_paper_deleted AFTER DELETE ON newsletter_paper
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION newsletter_note_papers();
CREATE TRIGGER newsletter_paper_truncated AFTER TRUNCATE ON newsletter_paper
  FOR EACH STATEMENT EXECUTE FUNCTION newsletter_note_truncation();
"""
FORGET = """
DROP TRIGGER newsletter_paper_inserted ON newsletter_paper;
DROP TRIGGER newsletter_paper_updated ON newsletter_paper;
DROP TRIGGER newsletter_paper_deleted ON newsletter_paper;
DROP TRIGGER newsletter_paper_truncated ON newsletter_paper;
DROP FUNCTION newsletter_note_papers();
DROP FUNCTION newsletter_note_truncation();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("newsletter", "0050_thumbnails_are_fetched"),
    ]

    operations = [
        migrations.DeleteModel(name="PackedBlock"),
        migrations.RemoveIndex(model_name="paper", name="paper_updated"),
        migrations.RemoveIndex(model_name="paper", name="paper_hidden"),
        migrations.CreateModel(
            name="PaperChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("paper_id", models.BigIntegerField(null=True)),
                ("transaction", models.BigIntegerField(db_index=True)),
                ("at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunSQL(NOTE, FORGET),
    ]
