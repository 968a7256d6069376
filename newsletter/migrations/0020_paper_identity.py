"""One paper, once: what it is called elsewhere, its revisions, its withdrawal, whose words it has."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0010_editions_keep_their_synonyms'),
    ]

    operations = [
        migrations.CreateModel(
            name='PaperIdentifier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('identifier', models.CharField(help_text='Such as doi:10.1000/xyz or openreview:abc.', max_length=220, unique=True)),
            ],
        ),
        migrations.AddField(
            model_name='paper',
            name='counted_on',
            field=models.DateField(blank=True, editable=False, help_text='The listing these counts are of.', null=True),
        ),
        migrations.AddField(
            model_name='paper',
            name='journal',
            field=models.CharField(blank=True, help_text='Where it appeared.', max_length=300),
        ),
        migrations.AddField(
            model_name='paper',
            name='listed_version',
            field=models.PositiveSmallIntegerField(blank=True, help_text='As first stored: a later one is noted, and not sent again.', null=True, verbose_name='version listed'),
        ),
        migrations.AddField(
            model_name='paper',
            name='note',
            field=models.TextField(blank=True, verbose_name="authors' comment"),
        ),
        migrations.AddField(
            model_name='paper',
            name='origins',
            field=models.JSONField(blank=True, default=dict, editable=False, help_text='Which kind of source each text is of.'),
        ),
        migrations.AddField(
            model_name='paper',
            name='revised_on',
            field=models.DateField(blank=True, help_text='When the newest version was announced.', null=True, verbose_name='revised'),
        ),
        migrations.AddField(
            model_name='paper',
            name='same_as',
            field=models.ForeignKey(blank=True, help_text='Stored before it was known to be this paper; never sent.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='duplicates', to='newsletter.paper'),
        ),
        migrations.AddField(
            model_name='paper',
            name='withdrawal',
            field=models.TextField(blank=True, help_text='As the source gives it.', verbose_name='reason of the withdrawal'),
        ),
        migrations.AddField(
            model_name='paper',
            name='withdrawn_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='withdrawn'),
        ),
        migrations.AlterField(
            model_name='paper',
            name='newest_listing',
            field=models.DateField(blank=True, editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name='paper',
            constraint=models.CheckConstraint(condition=models.Q(('same_as__isnull', True), models.Q(('same_as', models.F('id')), _negated=True), _connector='OR'), name='paper_not_same_as_itself'),
        ),
        migrations.AddField(
            model_name='paperidentifier',
            name='paper',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identifiers', to='newsletter.paper'),
        ),
    ]
