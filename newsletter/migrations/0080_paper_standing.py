"""Who withdrew a paper, what its withdrawal hid, and where it had appeared when it was sent."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0060_paper_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='paper',
            name='withdrawn_by',
            field=models.CharField(blank=True, choices=[('authors', 'its authors'), ('source', 'its source'), ('journal', 'its journal')], default='', max_length=8, verbose_name='withdrawn by'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='paper',
            name='hidden_as_withdrawn',
            field=models.BooleanField(default=False, editable=False, help_text='Hidden by its withdrawal, not by an editor.'),
        ),
        migrations.AddField(
            model_name='paper',
            name='frozen_journal',
            field=models.CharField(blank=True, default='', editable=False, max_length=300),
            preserve_default=False,
        ),
        migrations.RunSQL(
            "UPDATE newsletter_paper SET withdrawn_by = 'authors', "
            "hidden_as_withdrawn = hidden AND same_as_id IS NULL WHERE withdrawn_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]
